/* token - what is removed and what is left. */
#include "../../plugin/token.h"
#include "../tap.h"

static const char *const stripped[][2] = {
    /* the widget's own addresses */
    {"https://m/r/1/content?access_token=SECRET", "https://m/r/1/content"},
    {"https://m/c?access_token=SECRET&a=1", "https://m/c?a=1"},
    {"https://m/c?a=1&access_token=SECRET", "https://m/c?a=1"},
    {"https://m/c?a=1&access_token=SECRET&b=2", "https://m/c?a=1&b=2"},
    {"https://m/c?access_token=SECRET#top", "https://m/c#top"},
    {"https://v/?media=https%3A%2F%2Fm%2Fc%3Faccess_token%3DSECRET",
     "https://v/?media=https%3A%2F%2Fm%2Fc"},
    {"https://v/?media=m%3Faccess_token%3DSECRET%26a%3D1&b=2",
     "https://v/?media=m%3Fa%3D1&b=2"},
    {"https://v/?media=m%3Fa%3D1%26access_token%3DSECRET&b=2",
     "https://v/?media=m%3Fa%3D1&b=2"},
    {"https://v/?u=m%253Faccess_token%253DSECRET%2526a%253D1%26b",
     "https://v/?u=m%253Fa%253D1%26b"},
    /* the name in other writings */
    {"?Access_Token=SECRET", ""},
    {"?ACCESS_TOKEN=SECRET", ""},
    {"?accessToken=SECRET", ""},
    {"?access-token=SECRET", ""},
    {"?access%5Ftoken=SECRET", ""},
    {"?access%5ftoken%3dSECRET", ""},
    {"?%61ccess_toke%6E=SECRET", ""},
    {"?access%25255Ftoken=SECRET", ""},
    /* where the value ends */
    {"x?access_token=A-._~+/=9 y", "x y"},
    {"x?access_token=A%26B%2FC&y", "x?y"},
    {"\"x?access_token=SECRET\"", "\"x\""},
    {"<a href='x?access_token=SECRET'>", "<a href='x'>"},
    {"x?access_token=SECRET\ny", "x\ny"},
    {"x?access_token=SECRET\xE2\x80\xA6", "x\xE2\x80\xA6"},
    {"x?access_token%3DSECRET%09y", "x%09y"},
    {"x?access_token%253DSECRET%2509y", "x%2509y"},
    {"%253Faccess_token=SECRET", ""},
    {"x?access_token=", "x"},
    {"x?access_token=&y", "x?y"},
    /* JSON and headers within text */
    {"{\"access_token\":\"SECRET\",\"a\":1}", "{\"\",\"a\":1}"},
    {"access_token: SECRET", ""},
    {"access_token = SECRET!", ""},
    /* more than one, and one within another */
    {"a?access_token=S1 b?access_token=S2 c", "a b c"},
    {"a?access_token=S1&access_token=S2&b=1", "a?b=1"},
    {"a?access_access_token=S1&token=S2", "a"},
};

static const char *const untouched[] = {
    "",
    "a note",
    "the access_token of the widget",
    "access token 12",
    "https://m/c?token=1&access=2",
    "https://v/?media=https%3A%2F%2Fm%2Fc",
    "100%",
    "%",
    "%%%2",
    "%00access",
    "tok%C3%A9n k",
};

static void nested(void)
{
	char text[4000] = "kept? ";

	for (int i = 0; i < 50; i++)
		strncat(text, "access_", sizeof(text) - strlen(text) - 1);
	for (int i = 0; i < 50; i++)
		strncat(text, "token=S&", sizeof(text) - strlen(text) - 1);
	ok(token_strip(text), "tokens hidden in each other are found");
	is(text, "", "and where there are many nothing is kept");
}

/* Neither is JSON, but each may stand in it. */
static const char *const suspects[] = {
    "\\u0061ccess_token=S",   "access_to\\u006ben=S", "ACCESSTOKEN",
    "%61ccess%5ftoke%6e=S",   "acces%73to%6Ben:S",    "access_t%6Fken=S",
    "access_t%252525%36fken", "accessto%25254Ben=S",  "access_to%4ben",
};
static const char *const harmless[] = {
    "",
    "k",
    "ok",
    "ke",
    "look, a book of Kate's work",
    "https://v/?media=https%3A%2F%2Fm%2Fc&k=%6",
    "{\"key\":\"100%\",\"kilo\":\"\\u00e9\\n\\\\\"}",
    "%25252525",
    "%4",
    "\\u006",
};

static void suspect(void)
{
	for (size_t i = 0; i < sizeof(stripped) / sizeof(stripped[0]); i++)
		ok(token_may_be_in(stripped[i][0], strlen(stripped[i][0])),
		   "that there is a token in text %zu is suspected", i);
	for (size_t i = 0; i < sizeof(suspects) / sizeof(suspects[0]); i++)
		ok(token_may_be_in(suspects[i], strlen(suspects[i])),
		   "%s is suspected", suspects[i]);
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		ok(!token_may_be_in(harmless[i], strlen(harmless[i])),
		   "%s is not", harmless[i]);
	ok(!token_may_be_in("tok", 3) && !token_may_be_in("token", 3) &&
	       !token_may_be_in("\\u0041", 5),
	   "what stands beyond the end does not count");
}

static bool leaves_nothing(const char *text, size_t had)
{
	for (size_t at = strlen(text); at < had; at++)
		if (text[at] != '\0')
			return false;
	return true;
}

int main(void)
{
	char text[200];

	for (size_t i = 0; i < sizeof(stripped) / sizeof(stripped[0]); i++) {
		snprintf(text, sizeof(text), "%s", stripped[i][0]);
		ok(token_strip(text), "a token is found in text %zu", i);
		is(text, stripped[i][1], "and only it is removed");
		ok(leaves_nothing(text, strlen(stripped[i][0])),
		   "and left behind it neither");
	}
	for (size_t i = 0; i < sizeof(untouched) / sizeof(untouched[0]); i++) {
		snprintf(text, sizeof(text), "%s", untouched[i]);
		ok(!token_strip(text) && strcmp(text, untouched[i]) == 0,
		   "nothing is removed from harmless text %zu", i);
	}
	nested();
	suspect();

	ok(token_in_name("access_token") && token_in_name("accessToken") &&
	       token_in_name("ACCESS%5FTOKEN") &&
	       token_in_name("my-access-token"),
	   "members named after a token are known");
	ok(!token_in_name("token") && !token_in_name("access") &&
	       !token_in_name("note") && !token_in_name(""),
	   "others are not");
	return tap_done();
}

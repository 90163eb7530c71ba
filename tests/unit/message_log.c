/* message_log - what a message to log may say and what becomes of it. The calls
 * are written with as few members as the rule at hand needs; whole messages of
 * the widget are in message_files.c. */
#include "../decode.h"
#include "../tap.h"

struct rule {
	const char *name, *trigger;
	const char *call; /* members beside "sessionId":"7" */
	const char *body; /* members beside the call and the trigger */
	const char *event;
};

#define AUTO "ringing auto session=\"7\""
#define SAVED "ringing manual session=\"7\""

static const struct rule states[] = {
    {"ringing", "presenceUpdate", ",'telephonyStatus':'Ringing'", "", AUTO},
    {"a connected call", "presenceUpdate", ",'telephonyStatus':'CallConnected'",
     "", "connected auto connected session=\"7\""},
    {"a held call", "presenceUpdate", ",'telephonyStatus':'OnHold'", "",
     "held auto connected session=\"7\""},
    {"a parked call", "presenceUpdate", ",'telephonyStatus':'ParkedCall'", "",
     "parked auto connected session=\"7\""},
    {"no call any more", "presenceUpdate", ",'telephonyStatus':'NoCall'", "",
     "ended auto session=\"7\""},
    {"the end, told by result alone", "presenceUpdate",
     ",'telephonyStatus':'Ringing','result':'Disconnected'", "",
     "ended auto session=\"7\" result=\"Disconnected\""},
    {"the end of an answered call, with its last live status", "presenceUpdate",
     ",'telephonyStatus':'OnHold','result':'Disconnected'", "",
     "ended auto connected session=\"7\" result=\"Disconnected\""},
    {"a call that came back, with the stale word that it is over",
     "presenceUpdate",
     ",'telephonyStatus':'CallConnected','result':'CallConnected',"
     "'terminationType':'final'",
     "", "connected auto connected session=\"7\" result=\"CallConnected\""},
    {"result where there is no telephonyStatus", "presenceUpdate",
     ",'result':'OnHold'", "",
     "held auto connected session=\"7\" result=\"OnHold\""},
    {"result where telephonyStatus is unknown", "presenceUpdate",
     ",'telephonyStatus':'Whispering','result':'ParkedCall'", "",
     "parked auto connected session=\"7\" result=\"ParkedCall\""},
    {"a status nobody knows, which ranks lowest", "presenceUpdate",
     ",'telephonyStatus':'Whispering','result':'Odd'", "",
     AUTO " result=\"Odd\""},
    {"the record, by its action", "callLogSync",
     ",'action':'Phone Call','result':'Accepted'", "",
     "final auto session=\"7\" result=\"Accepted\""},
    {"the record, by its internalType", "callLogSync",
     ",'internalType':'Local','result':'Missed'", "",
     "final auto session=\"7\" result=\"Missed\""},
    {"no record, by an action that is null", "callLogSync",
     ",'action':null,'telephonyStatus':'Ringing'", "", AUTO},
    {"a telephonyStatus of another type", "presenceUpdate",
     ",'telephonyStatus':['CallConnected']", "", AUTO},
};

static const struct rule triggers[] = {
    {"createLog is a save", "createLog", "", "", SAVED},
    {"editLog is a save", "editLog", "", "", SAVED},
    {"logForm is a save", "logForm", "", "", SAVED},
    {"contactUpdated is a save", "contactUpdated", "", "", SAVED},
    {"presenceUpdate is automatic", "presenceUpdate", "", "", AUTO},
    {"callLogSync is automatic", "callLogSync", "", "", AUTO},
    {"an unknown trigger is automatic", "somethingNew", "", "", AUTO},
    {"case matters in a trigger", "LogForm", "", "", AUTO},
};

static const struct rule parties[] = {
    {"numbers", "", ",'from':{'phoneNumber':'+1'},'to':{'phoneNumber':'+2'}",
     "", AUTO " from=\"+1\" to=\"+2\""},
    {"an extension where there is no number", "",
     ",'from':{'phoneNumber':'','extensionNumber':'101'},"
     "'to':{'extensionNumber':'102'}",
     "", AUTO " from=\"101\" to=\"102\""},
    {"the number where there is an extension too", "",
     ",'from':{'phoneNumber':'+1','extensionNumber':'101'}", "",
     AUTO " from=\"+1\""},
    {"names beside the parties", "",
     ",'fromName':'A','toName':'B','from':{'name':'x'},'to':{'name':'y'}", "",
     AUTO " from-name=\"A\" to-name=\"B\""},
    {"names of the parties where the others are empty", "",
     ",'fromName':'','from':{'name':'x'},'to':{'name':'y'}", "",
     AUTO " from-name=\"x\" to-name=\"y\""},
    {"nothing where all is empty", "",
     ",'fromName':'','from':{'phoneNumber':''},'to':{}", "", AUTO},
    {"nothing where types are wrong", "",
     ",'fromName':5,'from':'+1','to':[],'toName':{}", "", AUTO},
    {"a call to oneself by number", "",
     ",'from':{'phoneNumber':'+1'},'to':{'phoneNumber':'+1'}", "",
     "ringing auto to-self session=\"7\" from=\"+1\" to=\"+1\""},
    {"a call to oneself by extension", "",
     ",'from':{'extensionNumber':'101'},'to':{'extensionNumber':'101'}", "",
     "ringing auto to-self session=\"7\" from=\"101\" to=\"101\""},
    {"a call to oneself by extension id, text and number", "",
     ",'from':{'phoneNumber':'+1','extensionId':'9'},'to':{'extensionId':9}",
     "", "ringing auto to-self session=\"7\" from=\"+1\""},
    {"a call to oneself by number, where one side has an extension id", "",
     ",'from':{'phoneNumber':'+1','extensionId':9},'to':{'phoneNumber':'+1'}",
     "", "ringing auto to-self session=\"7\" from=\"+1\" to=\"+1\""},
    {"two extensions with one number, not a call to oneself", "",
     ",'from':{'phoneNumber':'+1','extensionNumber':'101'},"
     "'to':{'phoneNumber':'+1','extensionNumber':'102'}",
     "", AUTO " from=\"+1\" to=\"+1\""},
    {"two anonymous parties, not a call to oneself", "",
     ",'from':{'phoneNumber':''},'to':{'phoneNumber':''}", "", AUTO},
};

static const struct rule facts[] = {
    {"a direction", "", ",'direction':'Outbound'", "",
     AUTO " direction=\"Outbound\""},
    {"no direction that is unknown", "", ",'direction':'inbound'", "", AUTO},
    {"a start in milliseconds", "", ",'startTime':1798794300123", "",
     AUTO " started=1798794300123"},
    {"a start in digits", "", ",'startTime':'1798794300123'", "",
     AUTO " started=1798794300123"},
    {"a start as ISO text", "", ",'startTime':'2027-01-01T09:05:00.123Z'", "",
     AUTO " started=1798794300123"},
    {"the first start allowed", "", ",'startTime':946684800000", "",
     AUTO " started=946684800000"},
    {"no start before 2000", "", ",'startTime':946684799999", "", AUTO},
    {"the last start allowed", "", ",'startTime':4102444799999", "",
     AUTO " started=4102444799999"},
    {"no start after 2099", "", ",'startTime':4102444800000", "", AUTO},
    {"no start in seconds", "", ",'startTime':1798794300", "", AUTO},
    {"no start beyond numbers", "", ",'startTime':1e400", "", AUTO},
    {"no start in too many digits", "",
     ",'startTime':'99999999999999999999999999'", "", AUTO},
    {"no start in other text", "", ",'startTime':'today'", "", AUTO},
    {"no start in empty text", "", ",'startTime':''", "", AUTO},
    {"no start of another type", "", ",'startTime':true", "", AUTO},
    {"a duration", "", ",'duration':61", "", AUTO " duration=61"},
    {"a duration of zero", "", ",'duration':0", "", AUTO " duration=0"},
    {"a negative duration as zero", "", ",'duration':-2", "",
     AUTO " duration=0"},
    {"a hugely negative duration as zero", "", ",'duration':-1e400", "",
     AUTO " duration=0"},
    {"a fraction rounded up", "", ",'duration':1.5", "", AUTO " duration=2"},
    {"a fraction rounded down", "", ",'duration':1.4", "", AUTO " duration=1"},
    {"a duration of a week", "", ",'duration':604800", "",
     AUTO " duration=604800"},
    {"no longer duration", "", ",'duration':604801", "", AUTO},
    {"no duration beyond numbers", "", ",'duration':1e400", "", AUTO},
    {"no duration of another type", "", ",'duration':'61'", "", AUTO},
    {"a queue call", "", ",'queueCall':true", "", AUTO " queue=1"},
    {"no queue call", "", ",'queueCall':false", "", AUTO " queue=0"},
    {"a queue call by its delegation", "",
     ",'delegationType':'QueueForwarding'", "", AUTO " queue=1"},
    {"nothing of queues where it is no boolean", "", ",'queueCall':1", "",
     AUTO},
    {"ids that are numbers", "", ",'partyId':12,'telephonySessionId':34", "",
     AUTO " telephony=\"34\" party=\"12\""},
    {"no ids that are not exact", "",
     ",'partyId':9007199254740992,'telephonySessionId':1.5", "", AUTO},
    {"the inbound leg", "",
     ",'inboundLeg':{'sessionId':'8'},'outboundLeg':{'sessionId':'7'}", "",
     AUTO " other-leg=\"8\""},
    {"the outbound leg where the inbound is the call", "",
     ",'inboundLeg':{'sessionId':7},'outboundLeg':{'sessionId':9}", "",
     AUTO " other-leg=\"9\""},
    {"the inbound leg of two others", "",
     ",'inboundLeg':{'sessionId':'8'},'outboundLeg':{'sessionId':'9'}", "",
     AUTO " other-leg=\"8\""},
    {"no leg without an id of its own", "",
     ",'inboundLeg':{'sessionId':'0'},'outboundLeg':{}", "", AUTO},
    {"AI note and transcript", "", "",
     ",'aiNote':'Sum\\nmary','transcript':'A: hi'",
     AUTO " ai-note=\"Sum\\nmary\" transcript=\"A: hi\""},
    {"neither where they are null or empty", "", "",
     ",'aiNote':null,'transcript':''", AUTO},
    {"a recording", "",
     ",'recording':{'id':12,'type':'OnDemand','contentUri':'u','uri':'v',"
     "'link':'l'}",
     "",
     AUTO " recording=\"12\" recording-type=\"OnDemand\" recording-uri=\"u\" "
	  "recording-link=\"l\""},
    {"a recording without contentUri", "", ",'recording':{'id':'r','uri':'v'}",
     "", AUTO " recording=\"r\" recording-uri=\"v\""},
    {"no recording of another type", "", ",'recording':'r'", "", AUTO},
};

#define A "{'id':'a','name':'Ann','type':'CRM'}"
#define B "{'id':5,'name':'Bob','type':'','entityType':'Desk'}"
#define ANN " contact=\"a\" contact-name=\"Ann\" contact-type=\"CRM\""
#define BOB " contact=\"5\" contact-name=\"Bob\" contact-type=\"Desk\""
#define IN ",'direction':'Inbound'"
#define OUT ",'direction':'Outbound'"
#define MATCHES ",'fromMatches':[" A "],'toMatches':[7," B "]"

static const struct rule contacts[] = {
    {"the caller's contact of an inbound call", "presenceUpdate", IN,
     ",'fromEntity':" A ",'toEntity':" B, AUTO " direction=\"Inbound\"" ANN},
    {"the callee's contact of an outbound call", "presenceUpdate", OUT,
     ",'fromEntity':" A ",'toEntity':" B, AUTO " direction=\"Outbound\"" BOB},
    {"no contact of the agent's own side", "presenceUpdate", IN,
     ",'fromEntity':null,'toEntity':" B, AUTO " direction=\"Inbound\""},
    {"any contact where the direction is unknown", "presenceUpdate", "",
     ",'fromEntity':null,'toEntity':" B, AUTO BOB},
    {"a contact picked by createLog", "createLog", IN,
     ",'fromEntity':" A ",'toEntity':null",
     SAVED " direction=\"Inbound\"" ANN " picked"},
    {"a contact picked by contactUpdated", "contactUpdated", OUT,
     ",'fromEntity':null,'toEntity':" A,
     SAVED " direction=\"Outbound\"" ANN " picked"},
    {"nothing where there is no contact", "createLog", IN,
     ",'fromEntity':null,'toEntity':null", SAVED " direction=\"Inbound\""},
    {"no contact without an id", "createLog", IN,
     ",'fromEntity':{'name':'Ann','type':'CRM'}",
     SAVED " direction=\"Inbound\""},
    {"a picked contact among the caller's matches", "logForm", IN MATCHES,
     ",'formData':{'contactId':'a'}",
     SAVED " direction=\"Inbound\"" ANN " picked"},
    {"a picked contact among the callee's matches", "logForm", OUT MATCHES,
     ",'formData':{'contactId':'5'}",
     SAVED " direction=\"Outbound\"" BOB " picked"},
    {"a picked contact that no match has", "logForm", IN MATCHES,
     ",'formData':{'contactId':'z'},'fromEntity':" A,
     SAVED " direction=\"Inbound\" contact=\"z\" picked"},
    {"no contact where the form has none", "logForm", IN MATCHES,
     ",'formData':{'contactId':''},'fromEntity':null,'toEntity':null",
     SAVED " direction=\"Inbound\""},
    {"no contact of form data that was not saved", "presenceUpdate", IN MATCHES,
     ",'formData':{'contactId':'a'}", AUTO " direction=\"Inbound\""},
};

static const struct rule saves[] = {
    {"a note", "logForm", "", ",'note':'n','formData':{'note':'other'}",
     SAVED " note=\"n\""},
    {"a note of the form alone", "logForm", "", ",'formData':{'note':'n'}",
     SAVED " note=\"n\""},
    {"an empty note", "logForm", "", ",'note':''", SAVED " note=\"\""},
    {"no note where there is none", "logForm", "", ",'formData':{}", SAVED},
    {"no note that is null", "logForm", "", ",'note':null", SAVED},
    {"no note of another trigger", "editLog", "",
     ",'note':'n','formData':{'note':'n','x':1}", SAVED},
    {"no note of an automatic event", "callLogSync", "", ",'note':'n'", AUTO},
    {"form fields of every type", "logForm", "",
     ",'formData':{'note':'n','contactId':'c','s':'t','n':1.5,'b':true,"
     "'a':[1,{'note':2}],'z':null}",
     SAVED " contact=\"c\" picked note=\"n\" "
	   "form=\"{\\\"s\\\":\\\"t\\\",\\\"n\\\":1.5,\\\"b\\\":true,"
	   "\\\"a\\\":[1,{\\\"note\\\":2}],\\\"z\\\":null}\""},
    {"no form of another type", "logForm", "", ",'formData':[1]", SAVED},
};

/* Quotes are written as ' in this file, for the reader's sake. */
static char *message_of(const struct rule *rule)
{
	struct buf buf;

	buf_init(&buf, 1 << 20);
	buf_add_string(&buf,
		       "{\"requestId\":\"r\",\"body\":{\"triggerType\":\"");
	buf_add_string(&buf, rule->trigger);
	buf_add_string(&buf, "\",\"call\":{\"sessionId\":\"7\"");
	buf_add_string(&buf, rule->call);
	buf_add_string(&buf, "}");
	buf_add_string(&buf, rule->body);
	buf_add_string(&buf, "}}");
	for (size_t i = 0; i < buf.len; i++) {
		if (buf.bytes[i] == '\'')
			buf.bytes[i] = '"';
	}
	return buf_take(&buf, NULL);
}

static void follow(const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *message = message_of(&rules[i]), *line = NULL;
		struct message_log log;
		struct err err = {.text = ""};

		if (decode_log(message, &log, &err) && log.event)
			line = decode_line(log.event);
		else
			diag("%s", err.text);
		is(line, rules[i].event, rules[i].name);
		free(line);
		message_log_free(&log);
		free(message);
	}
}

static void origins(void)
{
	static const char message[] =
	    "{\"requestId\":\"r-1\",\"body\":{\"call\":{\"sessionId\":\"7\"}}}";
	struct message_origin origin = decode_origin();
	struct message_log log;
	const int64_t minute = 60 * 1000;
	const struct {
		int64_t sent, want;
		const char *name;
	} times[] = {
	    {0, RECEIVED_MS, "an unknown time of posting is that of receipt"},
	    {-1, RECEIVED_MS, "so is a negative one"},
	    {5, 5, "a time long past is believed"},
	    {RECEIVED_MS - minute, RECEIVED_MS - minute, "so is a past one"},
	    {RECEIVED_MS + 10 * minute, RECEIVED_MS + 10 * minute,
	     "one ten minutes ahead is believed"},
	    {RECEIVED_MS + 10 * minute + 1, RECEIVED_MS, "one later is not"},
	    {INT64_MAX, RECEIVED_MS, "nor is the end of time"},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		origin.sent_at_ms = times[i].sent;
		ok(message_decode_log(message, strlen(message), &origin, &log,
				      NULL) &&
		       log.event->emitted_us == times[i].want * 1000,
		   "%s", times[i].name);
		message_log_free(&log);
	}

	message_decode_log(message, strlen(message), &origin, &log, NULL);
	is(log.event->account.s, "acme", "the account is the host's");
	is(log.event->agent.s, "dana", "the agent is the host's");
	is(log.event->request_id.s, "r-1", "the request id is the message's");
	is(log.request_id.s, "r-1", "and is there for the answer");
	ok(log.event->hash == call_hash(message, strlen(message)),
	   "the hash is of the message");
	message_log_free(&log);
	message_log_free(&log);
	ok(!log.event && !log.arena, "freeing twice is harmless");

	origin.account = NULL;
	message_decode_log(message, strlen(message), &origin, &log, NULL);
	is(log.event->account.s, "", "no account is the empty account");
	message_log_free(&log);
}

/* What nobody reads is kept as well. */
static void bodies(void)
{
	static const char plain[] =
	    "{ \"requestId\":\"r\",\"x\":[1],\"body\":{\"call\":{"
	    "\"sessionId\":\"7\",\"y\":{\"z\":2},\"recording\":{"
	    "\"id\":\"9\",\"link\":\"l\"}}}}";
	static const char secret[] =
	    "{ \"requestId\":\"r\",\"x\":[1],\"body\":{\"call\":{"
	    "\"sessionId\":\"7\",\"y\":{\"z\":2},\"recording\":{"
	    "\"id\":\"9\",\"link\":\"l?access_token=S\"}}}}";
	static const char written[] =
	    "{\"requestId\":\"r\",\"x\":[1],\"body\":{\"call\":{"
	    "\"sessionId\":\"7\",\"y\":{\"z\":2},\"recording\":{"
	    "\"id\":\"9\",\"link\":\"l\"}}}}";
	static const char dropped[] =
	    "{\"requestId\":\"r\",\"x\":[1],\"body\":{\"call\":{"
	    "\"sessionId\":\"7\",\"y\":{\"z\":2}}}}";
	static const struct {
		const char *name, *message, *body;
		enum message_body keep;
		bool drop;
	} kept[] = {
	    {"a message is kept as it is", plain, plain, MESSAGE_BODY_ALL,
	     false},
	    {"or without tokens", secret, written, MESSAGE_BODY_ALL, false},
	    {"or without its recording", plain, dropped, MESSAGE_BODY_ALL,
	     true},
	    {"or without both", secret, dropped, MESSAGE_BODY_ALL, true},
	    {"or not at all", plain, NULL, MESSAGE_BODY_NONE, true},
	    {"or not yet", secret, NULL, MESSAGE_BODY_FINAL, true},
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct message_origin origin = decode_origin();
		struct message_log log;

		origin.keep_body = kept[i].keep;
		origin.drop_recording = kept[i].drop;
		if (!message_decode_log(kept[i].message,
					strlen(kept[i].message), &origin, &log,
					NULL))
			continue;
		is(log.event->body.s, kept[i].body, kept[i].name);
		ok(!log.event->recording_id.s == kept[i].drop,
		   "%s: the recording is %s", kept[i].name,
		   kept[i].drop ? "dropped" : "known");
		message_log_free(&log);
	}
}

static void writes_nothing(void)
{
	struct message_log log;

	ok(decode_log("{\"requestId\":\"r\",\"body\":{\"triggerType\":"
		      "\"viewLog\",\"call\":{\"sessionId\":\"7\"}}}",
		      &log, NULL) &&
	       !log.event,
	   "viewLog has no event");
	is(log.request_id.s, "r", "but wants an answer");
	message_log_free(&log);
}

int main(void)
{
#define FOLLOW(rules) follow((rules), sizeof(rules) / sizeof((rules)[0]))
	FOLLOW(states);
	FOLLOW(triggers);
	FOLLOW(parties);
	FOLLOW(facts);
	FOLLOW(contacts);
	FOLLOW(saves);
	origins();
	bodies();
	writes_nothing();
	return tap_done();
}

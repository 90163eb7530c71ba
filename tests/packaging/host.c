/* A host in as few lines as it takes, in C and in C++, of whatever the compiler is
 * told are the headers and the library: it opens the configuration file, sends a
 * message that is none, and prints the answer and the status. */
#include <crm_host.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **argument)
{
	char text[4096] = "";
	size_t len = 0;
	struct crm_host_callbacks callbacks;
	struct crm_runtime *runtime = NULL;
	enum crm_status status;

	memset(&callbacks, 0, sizeof callbacks);
	if (count == 2)
		runtime =
		    crm_host_open(argument[1], &callbacks, text, sizeof text);
	if (!runtime || crm_host_start(runtime, text, sizeof text) != CRM_OK) {
		fprintf(stderr, "%s\n", text);
		return 1;
	}
	status = crm_host_call(runtime, "", "dana", "[", 1, 0, 1000, text,
			       sizeof text, &len);
	printf("%s\n", crm_status_name(status));
	crm_host_status(runtime, text, sizeof text);
	puts(text);
	crm_host_close(runtime);
	return 0;
}

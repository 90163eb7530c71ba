# call-log: one makefile, non-recursive. `make help` lists the targets.
#
# Everything built lies under build/; a variant (asan, tsan, cover) has a folder
# of its own there, so that objects never mix.

VERSION := 1.0.0
VARIANT ?=
B       := build$(if $(VARIANT),/$(VARIANT))
CC      ?= cc
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR  ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR  ?= $(DATADIR)/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
SYSCONFDIR ?= /etc
STATEDIR ?= /var/lib
DESTDIR ?=
JOBS    ?= 2
# Tests wait more than they work.
PROVE_JOBS ?= 3

SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE
SAN_fuzz := $(SAN_asan) -fsanitize=fuzzer-no-link
SAN_tsan := -fsanitize=thread -fno-omit-frame-pointer -U_FORTIFY_SOURCE
HARDEN   := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
SAN      := $(SAN_$(VARIANT))
# Intel's, and nobody else's
CONTROL_FLOW := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),-fcf-protection)

# Those who package for other compilers: make WERROR=
WERROR ?= -Werror
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
        -Wmissing-prototypes -Wvla -Wformat=2 -Wpointer-arith -Wwrite-strings $(WERROR)
# HEADERS: a folder of host-api/compat/, to build against a released header
CPPFLAGS += -D_GNU_SOURCE -DCALL_LOG_VERSION='"$(VERSION)"' $(addprefix -I,$(HEADERS)) -Ihost-api
CFLAGS   ?= -O2 -g
ALLFLAGS  = -std=c11 $(CFLAGS) $(WARN) $(if $(SAN),$(SAN),$(HARDEN)) -fPIC -pthread \
            -fvisibility=hidden -fstack-protector-strong -fstack-clash-protection $(CONTROL_FLOW) \
            '-ffile-prefix-map=$(CURDIR)=.' -MMD -MP
# (what is optimised at link time has names of files as well)
LDFLAGS  += $(SAN) -pthread -Wl,-z,relro,-z,now '-ffile-prefix-map=$(CURDIR)=.'
PIE      := -fPIE -pie
SOFLAGS   = -shared -Wl,--no-undefined $(if $(SAN),,-Wl,-z,defs)

PQ_CFLAGS  := $(shell pkg-config --cflags libpq 2>/dev/null)
PQ_LIBS     = $(shell pkg-config --libs libpq)
SQLITE_LIBS = $(shell pkg-config --libs sqlite3)
FETCH_LIBS  = $(shell pkg-config --libs libcurl libssl libcrypto)
JSON_LIBS   = $(shell pkg-config --libs libcjson)
CONFIG_LIBS = $(shell pkg-config --libs libconfig)
MHD_LIBS    = $(shell pkg-config --libs libmicrohttpd)

# Chart.js 3, which draws the page of reports: Debian's libjs-chart.js, or its npm
# package's dist/chart.min.js.
CHART_JS   ?= /usr/share/javascript/chart.js/chart.min.js

HOST_SRC   := $(wildcard host-api/*.c)
SERVER_SRC := $(wildcard host-api/crm-host/*.c)
CHECK_SRC  := $(wildcard host-api/crm-check/*.c)
PLUGIN_SRC := $(wildcard plugin/*.c)
UNIT_SRC   := $(wildcard tests/unit/*.c)
TPLUG_SRC  := $(wildcard tests/plugins/*.c)
THOST_SRC  := $(wildcard tests/hosts/*.c)
EXAMPLE_SRC := $(wildcard host-api/examples/*.c)
# the programs of tests/bench, and what they are made of
BENCH      := load reference keep far
BENCH_PART := $(filter-out $(BENCH:%=tests/bench/%.c),$(wildcard tests/bench/*.c))
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

UNIT_BIN   := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(UNIT_SRC))
TPLUG_BIN  := $(patsubst tests/plugins/%.c,$(B)/tests/plugins/%.so,$(TPLUG_SRC))
THOST_BIN  := $(patsubst tests/hosts/%.c,$(B)/tests/hosts/%,$(THOST_SRC))
EXAMPLE_BIN := $(patsubst host-api/examples/%.c,$(B)/examples/%.so,$(EXAMPLE_SRC))
BENCH_BIN  := $(BENCH:%=$(B)/tests/bench/%)

# One line a step; V=1 shows the commands.
say = $(if $(V),,@printf '  %s\n' '$(1)';)

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/crm-host $(B)/crm-check $(B)/call_log.so $(B)/libcrm-host.so $(B)/libcrm-host.a $(EXAMPLE_BIN) ## build everything

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,compile $<)$(CC) $(CPPFLAGS) $(PQ_CFLAGS) $(ALLFLAGS) $(CFLAGS_$(<)) -c $< -o $@

# what is served to browsers, as C tables
$(B)/web/bridge_files.c: $(wildcard host-api/web/*.js) packaging/embed
	@mkdir -p $(@D)
	$(call say,embed $@)packaging/embed crm_bridge_files host-api/web '' 0 >$@
$(B)/web/plugin_pages.c: $(wildcard plugin/web/*/*) packaging/embed $(CHART_JS)
	@mkdir -p $(@D)
	$(call say,embed $@)packaging/embed plugin_pages plugin/web/desk / 0 \
	  plugin/web/reports /reports/ 0 $(CHART_JS) /reports/chart.min.js 0 \
	  plugin/web/phone /phone/ CRM_PAGE_FOREIGN >$@
$(B)/obj/web/%.o: $(B)/web/%.c
	@mkdir -p $(@D)
	$(call say,compile $<)$(CC) $(CPPFLAGS) $(ALLFLAGS) -c $< -o $@

# the host library, the reference host
$(B)/libcrm-host.so: $(call obj,$(HOST_SRC)) $(B)/obj/web/bridge_files.o host-api/crm-host.map
	$(call say,link $@)$(CC) $(SOFLAGS) -Wl,-soname,libcrm-host.so.1 -Wl,--version-script=host-api/crm-host.map \
	  $(LDFLAGS) -o $@ $(filter %.o,$^) $(CONFIG_LIBS) -ldl
	@ln -sf $(@F) $(B)/libcrm-host.so.1
$(B)/libcrm-host.a: $(call obj,$(HOST_SRC)) $(B)/obj/web/bridge_files.o
	$(call say,link $@)rm -f $@ && ar rcs $@ $^
$(B)/crm-host: $(call obj,$(SERVER_SRC)) $(B)/libcrm-host.a
	$(call say,link $@)$(CC) $(PIE) $(LDFLAGS) -rdynamic -o $@ $^ $(MHD_LIBS) $(CONFIG_LIBS) -ldl
$(B)/crm-check: $(call obj,$(CHECK_SRC)) $(B)/libcrm-host.a
	$(call say,link $@)$(CC) $(PIE) $(LDFLAGS) -rdynamic -o $@ $^ $(CONFIG_LIBS) -ldl

# the plugin: one exported symbol, never unmapped
$(B)/call_log.so: $(call obj,$(PLUGIN_SRC)) $(B)/obj/web/plugin_pages.o
	$(call say,link $@)$(CC) $(SOFLAGS) -Wl,-z,nodelete $(LDFLAGS) -o $@ $^ $(PQ_LIBS) $(SQLITE_LIBS) $(JSON_LIBS) $(FETCH_LIBS)
# for the tests, which look inside
$(B)/libcall_log.a: $(call obj,$(filter-out plugin/entry.c,$(PLUGIN_SRC))) $(B)/obj/web/plugin_pages.o
	$(call say,link $@)rm -f $@ && ar rcs $@ $^
$(B)/examples/%.so: $(B)/obj/host-api/examples/%.o
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) $(SOFLAGS) $(LDFLAGS) -o $@ $< $(JSON_LIBS)

# tests: each tests/unit/*.c is one TAP program, each tests/plugins/*.c one plugin,
# each tests/hosts/*.c a host that knows plugins by the bare ABI
LDFLAGS_servers = -Wl,--wrap=getaddrinfo
LDFLAGS_health = -Wl,--wrap=clock_ns
LDFLAGS_host_memory = -Wl,--wrap=config_init,--wrap=config_read_string,--wrap=config_set_include_dir
LDFLAGS_message_memory = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
TPLUG_LIBS_cjson_user := -lcjson
TPLUG_LIBS_curl_user := -lcurl
TPLUG_LIBS_borrowed = -L$(@D) -l:behave.so -Wl,-rpath,'$$ORIGIN'
$(B)/tests/plugins/borrowed.so: $(B)/tests/plugins/behave.so
$(UNIT_BIN): | $(TPLUG_BIN) $(EXAMPLE_BIN)
$(B)/tests/plugins/%.so: $(B)/obj/tests/plugins/%.o
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) -shared $(LDFLAGS) -o $@ $< $(TPLUG_LIBS_$(*F))
THOST_LIBS_memory = $(PQ_LIBS)
$(B)/tests/hosts/%: $(B)/obj/tests/hosts/%.o
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) $(LDFLAGS) -rdynamic -o $@ $< $(THOST_LIBS_$(*F)) -ldl
BENCH_LIBS_reference = $(PQ_LIBS)
BENCH_LIBS_keep = $(SQLITE_LIBS)
$(B)/libbench.a: $(call obj,$(BENCH_PART))
	$(call say,link $@)rm -f $@ && ar rcs $@ $^
$(BENCH_BIN): $(B)/tests/bench/%: $(B)/obj/tests/bench/%.o $(B)/libbench.a
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) $(LDFLAGS) -o $@ $^ $(BENCH_LIBS_$(*F)) -ldl
$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(B)/libcall_log.a $(B)/libcrm-host.a
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) $(LDFLAGS) $(LDFLAGS_$(*F)) -rdynamic -o $@ $^ $(PQ_LIBS) $(SQLITE_LIBS) $(JSON_LIBS) $(FETCH_LIBS) $(CONFIG_LIBS) -ldl

programs: all $(UNIT_BIN) $(TPLUG_BIN) $(THOST_BIN) $(BENCH_BIN)

# what the browser tests have from npm, as their lock file says
build/browser/installed: tests/browser/package.json tests/browser/package-lock.json
	@mkdir -p $(@D) && cp $^ $(@D)/
	$(call say,npm ci in $(@D))npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# ------------------------------------------------------------------- running
# What is missing is installed first, and the makefile read again: pkg-config may
# have been among it.
run: ## log a day of calls into a private PostgreSQL, show them, serve (PORT=, ONCE=1)
	@packaging/install-deps run
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@packaging/run

# ------------------------------------------------------------------- checking
# Tests of SQL and of the test tools, and those that look at the source or install
# it: a variant of the C code would say nothing new.
SQL_SUITE = $(patsubst %,tests/integration/%.t,bench bench_report harness changes erasure merge merge_concurrent merge_random migrate recordings_end report rights rollup schema)
PLAIN_SUITE = $(SQL_SUITE) $(wildcard tests/lint/*.t tests/packaging/*.t tests/browser/*.mjs tests/helpdesk/*.t tests/helpdesk/*.mjs)
# The long ones first, so that what runs side by side ends together.
FAULT_LONG = T10 P1 D12 D3 D10 D11 D7 D8
fault = $(wildcard $(patsubst %,tests/fault/*%_*.t,$(1)))
# Those whose figures are times have the machine to themselves at full size.
FAULT_TIMED = $(call fault,D1 D7 D8)
FAULT_SUITE = $(call fault,$(FAULT_LONG)) \
  $(filter-out $(call fault,$(FAULT_LONG)),$(wildcard tests/fault/*.t))
ROWS ?=
FAULT_ROWS = $(if $(ROWS),$(foreach row,$(ROWS),$(or $(call fault,$(row)),\
  $(error no row $(row) in tests/fault))),$(FAULT_SUITE))
# Under sanitizers, those that take the plugin where it does not go every day.
FAULT_asan = $(call fault,D2 D12 D15 P2 P4 P5 P12 T5 T7)
FAULT_tsan = $(call fault,D2 P1 T5 T7)
THREADED_SUITE = $(patsubst %,tests/integration/%.t,away batch http forget http_life life listen log_and_match \
  outage_match spool spool_trouble)
# A sanitizer has to stand before malloc itself.
SUITE = $(filter-out $(if $(VARIANT),%/host_memory),$(UNIT_BIN)) $(if $(filter tsan,$(VARIANT)),$(THREADED_SUITE),\
  $(filter-out $(SQL_SUITE),$(wildcard tests/integration/*.t)))
PROVE = BUILD=$(B) prove --timer -j$(PROVE_JOBS)

check: ## build, then run every test through prove
	@packaging/install-deps run check deb bench
	@$(MAKE) --no-print-directory -j$(JOBS) programs build/browser/installed
	@$(MAKE) --no-print-directory build/deb/built build/debian.tar
	@$(MAKE) --no-print-directory prove

prove: # the tests, of what is built
	@$(PROVE) $(SUITE) $(if $(VARIANT),$(FAULT_$(VARIANT)),$(FAULT_SUITE) $(PLAIN_SUITE))

# Fails when a test does, and when one tells no figures.
fault: PROVE_JOBS = $(JOBS) # more would show in the figures
fault: ## run the tests of faults at full size (45 minutes); ROWS='D1 P1': some; SOAK=SECONDS
	@packaging/install-deps run check
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@{ status=0; \
	  timed='$(filter $(FAULT_TIMED),$(FAULT_ROWS))'; [ -z "$$timed" ] || \
	    FULL=1 BUILD=$(B) prove --timer -o $$timed || status=1; \
	  rest='$(filter-out $(FAULT_TIMED),$(FAULT_ROWS))'; [ -z "$$rest" ] || \
	    FULL=1 $(PROVE) -o $$rest || status=1; \
	  echo $$status >$(B)/fault.status; } | tee $(B)/fault.log
	@perl tests/fault/table.pl $(B)/fault.log $(FAULT_ROWS) >$(B)/fault.new || echo 1 >$(B)/fault.status
	@cat $(B)/fault.new
	@status=$$(cat $(B)/fault.status); [ -n "$(ROWS)" ] || [ $$status -ne 0 ] || \
	  mv $(B)/fault.new $(B)/fault.md; exit $$status

table: ## put the table of the last `make fault` into README.md
	@perl -0pi -e 'open my $$file, "<", "$(B)/fault.md" or die "first: make fault\n"; local $$/; $$table = <$$file>;' \
	  -e 's/(<!-- make table: begin -->\n).*?(?=<!-- make table: end -->)/$$1$$table/s or die "README.md has no place for it\n"' README.md

asan tsan: ## run the tests of C code (tsan: with threads) under sanitizers
	@packaging/install-deps run check
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=$@ programs
	@$(MAKE) --no-print-directory VARIANT=$@ prove

# Each tests/fuzz/*.c is one libFuzzer target, its kept corpus in the folder of its
# name. What is found anew stays below build/; what is worth keeping is merged into
# the corpus by hand (-merge=1).
FUZZ_SECONDS ?= 60
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
$(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/libcall_log.a
	@mkdir -p $(@D)
	$(call say,link $@)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PQ_LIBS) $(SQLITE_LIBS) $(JSON_LIBS) $(FETCH_LIBS)

fuzz: ## run each fuzz target for FUZZ_SECONDS (60)
	@packaging/install-deps run check
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=fuzz CC=clang \
	  $(FUZZ:%=build/fuzz/tests/fuzz/%)
	@set -e; for target in $(FUZZ); do \
	  mkdir -p build/fuzz/new/$$target; \
	  build/fuzz/tests/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
	    -max_len=16384 -artifact_prefix=build/fuzz/$$target- \
	    -dict=tests/fuzz/$$target.dict build/fuzz/new/$$target tests/fuzz/corpus/$$target; \
	done

# What is measured alone: no other job of this makefile at the same time.
bench: ## how fast it is, each figure beside a reference (15 minutes; QUICK=1 2; FIGURES=, ROWS=)
	@packaging/install-deps run check bench
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@BUILD=$(B) perl tests/bench/bench.pl

bench-table: ## put the aims of the last `make bench` into README.md
	@perl -Itests/lib -Itests/bench -MFigures -e 'Figures::into_readme("$(B)/bench.json")'

bench-report: ## what reports cost beside plain scans of the calls (ROWS=1000000)
	@packaging/install-deps run check
	@ROWS='$(ROWS)' perl tests/bench/report.pl

C_FILES = $(wildcard host-api/*.[ch] host-api/*/*.[ch] plugin/*.[ch] tests/*.h tests/*/*.[ch])
lint: ## compile with clang too; check format, tidiness, layers, scripts
	@packaging/install-deps run lint
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(MAKE) --no-print-directory -j$(JOBS) VARIANT=clang CC=clang programs
	@clang-format --dry-run -Werror $(C_FILES)
	@printf '%s\n' $(filter plugin/%.c host-api/%.c,$(C_FILES)) | \
	  xargs -P$(JOBS) -I{} clang-tidy --quiet {} -- -std=c11 $(CPPFLAGS) $(PQ_CFLAGS)
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j$(JOBS) \
	  --enable=warning,performance,portability --suppress=missingInclude \
	  -Ihost-api -DCRM_EXPORT= -D__x86_64__ '-DElfW(x)=Elf64_##x' host-api plugin
	shellcheck packaging/install-deps packaging/deb packaging/check-recordings packaging/debian/*.post* \
	  packaging/debian/tests/*-a-* tests/packaging/debian-tree .ci/run
	prove tests/lint

layers: ## check that includes point down only
	@prove -v tests/lint/layers.t

# -------------------------------------------------------------- Request Tracker
# Where RT 5 looks for plugins: the administrator's folder when PREFIX is /usr/local,
# the one of packages when it is /usr.
RT_PLUGINS ?= $(PREFIX)/share/request-tracker5/plugins

install-rt: ## install the extension of Request Tracker, into RT_PLUGINS
	cd host-api/request-tracker && find . -type f -exec \
	  install -D -m 644 {} '$(DESTDIR)$(RT_PLUGINS)/RT-Extension-CallLog/{}' \;

# ------------------------------------------------------------------- installing
# The sample configuration and its manual page come from the option tables of the
# host and the plugin, crm_plugin(3) from its header; the copies in packaging/ are for
# readers.
generated: $(B)/crm-host $(B)/call_log.so ## write packaging/*.sample, *.5 and *.3 anew
	@packaging/header-manual host-api/crm_plugin.h host-api/examples/hello.c >packaging/crm_plugin.3
	@safe=$$(mktemp -d) && install -m 644 $(B)/call_log.so $$safe/ && \
	$(B)/crm-host --sample-config $$safe/call_log.so >packaging/call_log.conf.sample && \
	$(B)/crm-host --manual $$safe/call_log.so >packaging/call_log.conf.5; \
	status=$$?; rm -r "$$safe"; exit $$status

# Where things will lie is written into what names it.
PLACES = sed -e 's|/usr/local/lib/crm/plugins|$(LIBDIR)/crm/plugins|g' \
  -e 's|@PREFIX@|$(PREFIX)|g; s|@SBINDIR@|$(SBINDIR)|g; s|@LIBDIR@|$(LIBDIR)|g' \
  -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g; s|@DATADIR@|$(DATADIR)|g' \
  -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g; s|@STATEDIR@|$(STATEDIR)|g; s|@VERSION@|$(VERSION)|g'
SQL_FILES := $(wildcard sql/*.sql sql/migrations/*.sql)
INSTALLED = $(addprefix $(SBINDIR)/,crm-host crm-check) \
  $(addprefix $(LIBDIR)/,libcrm-host.so libcrm-host.so.1 libcrm-host.a \
    crm/plugins/call_log.so pkgconfig/crm-host.pc) \
  $(addprefix $(INCLUDEDIR)/,crm_plugin.h crm_host.h) \
  $(addprefix $(DATADIR)/call-log/,$(SQL_FILES) check-recordings \
    $(addprefix examples/,$(notdir $(EXAMPLE_SRC)) call_log.conf.sample crm-host.conf)) \
  $(addprefix $(MANDIR)/,man3/crm_plugin.3 man5/call_log.conf.5 man8/crm-host.8 man8/crm-check.8) \
  $(UNITDIR)/crm-host.service $(SYSUSERSDIR)/crm-host.conf

install: all ## install under PREFIX (/usr/local), into DESTDIR
	install -d $(sort $(dir $(addprefix $(DESTDIR),$(INSTALLED))))
	install -m 755 $(B)/crm-host $(B)/crm-check $(DESTDIR)$(SBINDIR)/
	install -m 644 $(B)/libcrm-host.so $(DESTDIR)$(LIBDIR)/libcrm-host.so.1
	ln -sf libcrm-host.so.1 $(DESTDIR)$(LIBDIR)/libcrm-host.so
	install -m 644 $(B)/libcrm-host.a $(DESTDIR)$(LIBDIR)/
	install -m 644 $(B)/call_log.so $(DESTDIR)$(LIBDIR)/crm/plugins/
	install -m 644 host-api/crm_plugin.h host-api/crm_host.h $(DESTDIR)$(INCLUDEDIR)/
	install -m 755 packaging/check-recordings $(DESTDIR)$(DATADIR)/call-log/
	install -m 644 $(wildcard sql/*.sql) $(DESTDIR)$(DATADIR)/call-log/sql/
	install -m 644 $(wildcard sql/migrations/*.sql) $(DESTDIR)$(DATADIR)/call-log/sql/migrations/
	install -m 644 $(EXAMPLE_SRC) $(DESTDIR)$(DATADIR)/call-log/examples/
	umask 022; cd packaging && \
	  for file in call_log.conf.sample crm-host.conf; do \
	    $(PLACES) $$file >$(DESTDIR)$(DATADIR)/call-log/examples/$$file || exit 1; done && \
	  for page in crm_plugin.3 call_log.conf.5 crm-host.8 crm-check.8; do \
	    $(PLACES) $$page >$(DESTDIR)$(MANDIR)/man$${page##*.}/$$page || exit 1; done && \
	  $(PLACES) crm-host.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/crm-host.pc && \
	  $(PLACES) crm-host.service >$(DESTDIR)$(UNITDIR)/crm-host.service && \
	  $(PLACES) crm-host.sysusers >$(DESTDIR)$(SYSUSERSDIR)/crm-host.conf

# What an administrator or another program wrote stays: configuration, the database,
# the spool, plugins of others.
uninstall: ## remove what `make install` put there
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	-rmdir -p --ignore-fail-on-non-empty $(sort $(dir $(addprefix $(DESTDIR),$(INSTALLED)))) 2>/dev/null

# Whatever the packages are made of.
DEB_SOURCE = Makefile README.md $(shell find host-api packaging plugin sql -type f)
build/deb/built: $(DEB_SOURCE)
	$(call say,build packages in $(@D))JOBS=$(JOBS) packaging/deb $(@D)
	@touch $@
deb: ## build the Debian packages, into build/deb
	@packaging/install-deps run deb
	@$(MAKE) --no-print-directory build/deb/built
	@printf '%s\n' build/deb/*.deb

# a clean Debian for the tests of the packages
build/debian.tar: tests/packaging/debian-tree
	@mkdir -p $(@D)
	$(call say,put together $@)tests/packaging/debian-tree $@

clean: ## remove what was built
	rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: all programs bench bench-table run check prove fault table asan tsan fuzz lint layers generated install install-rt uninstall deb clean help bench-report
-include $(shell find build -path build/deb -prune -o -name '*.d' -type f -print 2>/dev/null)

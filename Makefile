# call-log: one makefile, non-recursive. `make help` lists the targets.
#
# Everything built lies under build/; a variant (asan, tsan, cover) has a folder
# of its own there, so that objects never mix.

VERSION := 1.0.0
VARIANT ?=
B       := build$(if $(VARIANT),/$(VARIANT))
CC      ?= cc
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DESTDIR ?=

SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE
SAN_tsan := -fsanitize=thread -fno-omit-frame-pointer -U_FORTIFY_SOURCE
HARDEN   := -D_FORTIFY_SOURCE=3
SAN      := $(SAN_$(VARIANT))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
        -Wmissing-prototypes -Wvla -Wformat=2 -Wpointer-arith -Wwrite-strings -Werror
CPPFLAGS += -D_GNU_SOURCE -DCALL_LOG_VERSION='"$(VERSION)"' -Ihost-api
CFLAGS   ?= -O2 -g
ALLFLAGS  = -std=c11 $(CFLAGS) $(WARN) $(if $(SAN),$(SAN),$(HARDEN)) -fPIC -pthread \
            -fvisibility=hidden -fstack-protector-strong -ffile-prefix-map=$(CURDIR)=. -MMD -MP
LDFLAGS  += $(SAN) -pthread -Wl,-z,relro,-z,now
SOFLAGS   = -shared -Wl,--no-undefined $(if $(SAN),,-Wl,-z,defs)

PQ_CFLAGS  := $(shell pkg-config --cflags libpq 2>/dev/null)
PQ_LIBS     = $(shell pkg-config --libs libpq)
JSON_LIBS   = $(shell pkg-config --libs libcjson)
CONFIG_LIBS = $(shell pkg-config --libs libconfig)
MHD_LIBS    = $(shell pkg-config --libs libmicrohttpd)

HOST_SRC   := $(wildcard host-api/*.c)
SERVER_SRC := $(wildcard host-api/crm-host/*.c)
PLUGIN_SRC := $(wildcard plugin/*.c)
UNIT_SRC   := $(wildcard tests/unit/*.c)
TPLUG_SRC  := $(wildcard tests/plugins/*.c)
EXAMPLE_SRC := $(wildcard host-api/examples/*.c)
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

UNIT_BIN   := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(UNIT_SRC))
TPLUG_BIN  := $(patsubst tests/plugins/%.c,$(B)/tests/plugins/%.so,$(TPLUG_SRC))
EXAMPLE_BIN := $(patsubst host-api/examples/%.c,$(B)/examples/%.so,$(EXAMPLE_SRC))

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/crm-host $(B)/call_log.so $(B)/libcrm-host.so $(B)/libcrm-host.a $(EXAMPLE_BIN) ## build everything

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PQ_CFLAGS) $(ALLFLAGS) $(CFLAGS_$(<)) -c $< -o $@

# the host library, the reference host
$(B)/libcrm-host.so: $(call obj,$(HOST_SRC)) host-api/crm-host.map
	$(CC) $(SOFLAGS) -Wl,-soname,libcrm-host.so.1 -Wl,--version-script=host-api/crm-host.map \
	  $(LDFLAGS) -o $@ $(filter %.o,$^) $(CONFIG_LIBS) -ldl
	ln -sf $(@F) $(B)/libcrm-host.so.1
$(B)/libcrm-host.a: $(call obj,$(HOST_SRC))
	rm -f $@ && ar rcs $@ $^
$(B)/crm-host: $(call obj,$(SERVER_SRC)) $(B)/libcrm-host.a
	$(CC) $(LDFLAGS) -rdynamic -o $@ $^ $(MHD_LIBS) $(CONFIG_LIBS) -ldl

# the plugin: one exported symbol, never unmapped
$(B)/call_log.so: $(call obj,$(PLUGIN_SRC))
	$(CC) $(SOFLAGS) -Wl,-z,nodelete $(LDFLAGS) -o $@ $^ $(PQ_LIBS) $(JSON_LIBS)
$(B)/libcall_log.a: $(call obj,$(filter-out plugin/entry.c,$(PLUGIN_SRC)))
	rm -f $@ && ar rcs $@ $^
$(B)/examples/%.so: $(B)/obj/host-api/examples/%.o
	@mkdir -p $(@D)
	$(CC) $(SOFLAGS) $(LDFLAGS) -o $@ $<

# tests: each tests/unit/*.c is one TAP program; each tests/plugins/*.c one plugin
$(B)/tests/plugins/%.so: $(B)/obj/tests/plugins/%.o
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -o $@ $< $(TPLUG_LIBS_$(*F))
$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(B)/libcall_log.a $(B)/libcrm-host.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -rdynamic -o $@ $^ $(PQ_LIBS) $(JSON_LIBS) $(CONFIG_LIBS) -ldl

clean: ## remove what was built
	rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: all clean help
-include $(shell find build -name '*.d' 2>/dev/null)

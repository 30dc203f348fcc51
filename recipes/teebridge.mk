# Pipelines of the teebridge programs as targets for any Makefile (GNU make 4.3, bash, the programs in PATH):
#
#     BRIDGE := 0x…
#     CHAIN := base
#     KEY := file:owner.key
#     include /usr/local/share/teebridge/teebridge.mk
#
#     $ make register-from-url CVM_URL=https://cvm-8080.example.org
#
# `make teebridge-help` lists the targets and their parameters, which are variables of make or of the environment.
# Every target also has a name with `teebridge-` in front; with TEEBRIDGE_LONG_NAMES set ahead of the include, only
# that. What else is defined here begins with TEEBRIDGE_ (the shell sees parameters as teebridge_…), and the default
# goal, the shell and the recipe prefix of the Makefile around stay what they were.
#
# A parameter's text reaches neither make's language nor the shell's: recipes only name the variable that it is in.

TEEBRIDGE_directory := $(dir $(lastword $(MAKEFILE_LIST)))
TEEBRIDGE_default_ARTEFACT := $(firstword $(wildcard $(TEEBRIDGE_directory)TEEBridge.json \
    $(TEEBRIDGE_directory)../contracts/TEEBridge.json))
TEEBRIDGE_goal_before := $(value .DEFAULT_GOAL)
TEEBRIDGE_prefix_before := $(value .RECIPEPREFIX)
.RECIPEPREFIX :=

TEEBRIDGE_commands := register-from-url register-from-log onboard watch deploy-bridge allow-root allow-code \
    add-compose-hash show-member help

define TEEBRIDGE_help
Targets, and [what may be left out]:
  register-from-url  CVM_URL [KMS_ROOT] [ALLOW=yes] [VERIFIER]      a CVM that serves its proof becomes a member
  register-from-log  LOG [KMS_ROOT] [ALLOW=yes] [VERIFIER]          so does one that printed it to this serial log
  onboard            TO SECRET_FILE FROM or SIGN_WITH               seal a secret and post it to a member's inbox
  watch              [KEY] [STATE] [EXEC] [ONCE=yes]                read a member's inbox
  deploy-bridge      [KMS_ROOT] [ARTEFACT]                          create a bridge that allows these KMS roots
  allow-root         KMS_ROOT                                       allow a KMS root
  allow-code         CODE_ID                                        allow a code id
  add-compose-hash   APP COMPOSE_HASH                               allow a compose file in a dstack app contract
  show-member        MEMBER                                         code id, public key and time of registration
Everywhere: RPC_URL (or ETH_RPC_URL), [CHAIN], BRIDGE (or BRIDGE_CONTRACT; not for deploy-bridge, add-compose-hash).
Where transactions are sent: KEY, a source as file:owner.key (or TEEBRIDGE_KEY, ETH_KEYSTORE), [JOURNAL] [DRY_RUN=yes].
Where a key is dstack:, [DSTACK_SOCKET], the guest agent's socket or URL (or DSTACK_SIMULATOR_ENDPOINT).
KMS_ROOT (or KMS_ROOTS) may be several with commas between, but for allow-root; no other root's proof is registered.
`make -n TARGET …` shows the pipeline and runs nothing.
endef

# What is said of a parameter that is missing.
TEEBRIDGE_example_APP := 0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51
TEEBRIDGE_example_ARTEFACT := contracts/TEEBridge.json
TEEBRIDGE_example_BRIDGE := 0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51
TEEBRIDGE_example_CODE_ID := 0xea549f02e1a25fabd1cb788380e033ec5461b2ff (an app id, or 32 bytes)
TEEBRIDGE_example_COMPOSE_HASH := 0x followed by 64 hex digits
TEEBRIDGE_example_CVM_URL := https://cvm-8080.example.org
TEEBRIDGE_example_FROM := 0x followed by 64 hex digits (or SIGN_WITH=file:member.key)
TEEBRIDGE_example_KEY := file:owner.key
TEEBRIDGE_example_KMS_ROOT := phala-base
TEEBRIDGE_example_LOG := serial.log
TEEBRIDGE_example_MEMBER := 0x followed by 64 hex digits
TEEBRIDGE_example_RPC_URL := https://mainnet.base.org
TEEBRIDGE_example_SECRET_FILE := secret.txt (or - for standard input)
TEEBRIDGE_example_SIGN_WITH := file:member.key
TEEBRIDGE_example_TO := 0x followed by 64 hex digits

# Every parameter, and other names that some go by; of two that are equally near, the first is meant.
TEEBRIDGE_parameters := ALLOW APP ARTEFACT BRIDGE CHAIN CODE_ID COMPOSE_HASH CVM_URL DRY_RUN DSTACK_SOCKET EXEC FROM JOURNAL KEY \
    KMS_ROOT LOG MEMBER ONCE RPC_URL SECRET_FILE SIGN_WITH STATE TO VERIFIER
TEEBRIDGE_names_BRIDGE := BRIDGE BRIDGE_CONTRACT
TEEBRIDGE_names_KEY := KEY TEEBRIDGE_KEY
TEEBRIDGE_names_KMS_ROOT := KMS_ROOT KMS_ROOTS
TEEBRIDGE_names_RPC_URL := ETH_RPC_URL RPC_URL
TEEBRIDGE_names = $(or $(value TEEBRIDGE_names_$1),$1)

# make would expand what the command line says, to export it; it is made plain text first.
$(foreach name,$(foreach parameter,$(TEEBRIDGE_parameters),$(call TEEBRIDGE_names,$(parameter))),\
    $(if $(filter command,$(firstword $(origin $(name)))),$(eval override $(name) := $$(value $(name)))))

# The name that a parameter was given by: on the command line, else in a Makefile, else in the environment, else here.
TEEBRIDGE_name = $(firstword $(foreach origin,override file environment,$(foreach name,$(call TEEBRIDGE_names,$1),\
    $(if $(strip $(value $(name))),$(if $(filter $(origin),$(firstword $(origin $(name)))),$(name))))) \
    $(if $(value TEEBRIDGE_default_$1),TEEBRIDGE_default_$1))
# A parameter's text; only what a Makefile says is make's language.
TEEBRIDGE_text = $(call TEEBRIDGE_text_of,$(call TEEBRIDGE_name,$1))
TEEBRIDGE_text_of = $(if $(filter file,$(origin $1)),$($1),$(value $1))

# Stops at the first parameter that is missing. A key is asked for only where the programs would find none.
TEEBRIDGE_need = $(foreach parameter,$1,$(if $(call TEEBRIDGE_name,$(parameter)),,\
    $(error $@: $(parameter) is missing; for example $(parameter)=$(TEEBRIDGE_example_$(parameter)))))
TEEBRIDGE_need_key = $(if $(strip $(value ETH_KEYSTORE)$(value PRIVATE_KEY)),,$(call TEEBRIDGE_need,KEY))

# An option, and its parameter's variable, if that was given: NAME,OPTION.
TEEBRIDGE_option = $(if $(call TEEBRIDGE_name,$1), $2 "$$teebridge_$1")
# An option that the parameter asks for with the word yes: NAME,OPTION.
TEEBRIDGE_switch = $(if $(call TEEBRIDGE_name,$1),$(if $(subst xyes,,x$(call TEEBRIDGE_text,$1)),\
    $(error $@: $1 has only one value: $1=yes), $2))
# The source of a key: NAME,OPTION. Anything else may be a key, and is neither shown nor passed on.
TEEBRIDGE_source = $(if $(call TEEBRIDGE_name,$1),$(if $(filter file:% keystore:% env:% fd:% dstack:%,\
    $(firstword $(call TEEBRIDGE_text,$1))),$(call TEEBRIDGE_option,$1,$2),\
    $(error $@: $1 is not where a key is; for example $1=$(TEEBRIDGE_example_$1))))

# The parts of the pipelines. A node's URL may hold a password, so it goes by the environment.
TEEBRIDGE_node = $(if $(call TEEBRIDGE_name,RPC_URL),ETH_RPC_URL="$$teebridge_RPC_URL" )$1$(call \
    TEEBRIDGE_option,CHAIN,--chain)
TEEBRIDGE_at = $(call TEEBRIDGE_option,BRIDGE,--bridge)
TEEBRIDGE_agent = $(call TEEBRIDGE_option,DSTACK_SOCKET,--dstack)
TEEBRIDGE_register = $(if $(call TEEBRIDGE_name,KMS_ROOT),KMS_ROOTS="$$teebridge_KMS_ROOT" )abi-encode \
register$(TEEBRIDGE_at)$(call TEEBRIDGE_switch,ALLOW,--allow)$(call TEEBRIDGE_option,VERIFIER,--verifier)
TEEBRIDGE_seal = $(if $(call TEEBRIDGE_name,SIGN_WITH),,$(call TEEBRIDGE_need,FROM))$(call \
    TEEBRIDGE_node,ecies-seal)$(TEEBRIDGE_at)$(call TEEBRIDGE_option,FROM,--from-member)$(call \
    TEEBRIDGE_source,SIGN_WITH,--sign-with)$(TEEBRIDGE_agent) --to-member "$$teebridge_TO" -- "$$teebridge_SECRET_FILE"
TEEBRIDGE_watch = $(call TEEBRIDGE_node,inbox-watch)$(TEEBRIDGE_at)$(call TEEBRIDGE_source,KEY,--key)$(TEEBRIDGE_agent)$(call \
    TEEBRIDGE_option,STATE,--state)$(call TEEBRIDGE_option,EXEC,--exec)$(call TEEBRIDGE_switch,ONCE,--once)
TEEBRIDGE_send = $(call TEEBRIDGE_need,RPC_URL)$(TEEBRIDGE_need_key)$(call TEEBRIDGE_node,tx-send)$(call \
    TEEBRIDGE_source,KEY,--key)$(TEEBRIDGE_agent)$(call TEEBRIDGE_option,JOURNAL,--journal)$(call TEEBRIDGE_switch,DRY_RUN,--dry-run)

TEEBRIDGE_targets = teebridge-$1 $(if $(value TEEBRIDGE_LONG_NAMES),,$1)
TEEBRIDGE_all := $(foreach command,$(TEEBRIDGE_commands),$(call TEEBRIDGE_targets,$(command)))

.PHONY: $(TEEBRIDGE_all)
$(TEEBRIDGE_all): private SHELL := bash
$(TEEBRIDGE_all): private .SHELLFLAGS := -o pipefail -c
$(foreach parameter,$(TEEBRIDGE_parameters),\
    $(eval $(TEEBRIDGE_all): export teebridge_$(parameter) = $$(call TEEBRIDGE_text,$(parameter))))

$(call TEEBRIDGE_targets,register-from-url):
	$(call TEEBRIDGE_need,CVM_URL BRIDGE)proof-fetch -- "$$teebridge_CVM_URL" | $(TEEBRIDGE_register) | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,register-from-log):
	$(call TEEBRIDGE_need,LOG BRIDGE)proof-extract -- "$$teebridge_LOG" | $(TEEBRIDGE_register) | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,onboard):
	$(call TEEBRIDGE_need,TO SECRET_FILE BRIDGE)$(TEEBRIDGE_seal) | abi-encode onboard$(TEEBRIDGE_at) | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,watch):
	$(call TEEBRIDGE_need,BRIDGE RPC_URL)$(TEEBRIDGE_watch)

$(call TEEBRIDGE_targets,deploy-bridge):
	$(call TEEBRIDGE_need,ARTEFACT)abi-encode deploy -- "$$teebridge_ARTEFACT" "[$$teebridge_KMS_ROOT]" | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,allow-root):
	$(call TEEBRIDGE_need,KMS_ROOT BRIDGE)abi-encode add-kms-root$(TEEBRIDGE_at) -- "$$teebridge_KMS_ROOT" | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,allow-code):
	$(call TEEBRIDGE_need,CODE_ID BRIDGE)abi-encode add-allowed-code$(TEEBRIDGE_at) -- "$$teebridge_CODE_ID" | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,add-compose-hash):
	$(call TEEBRIDGE_need,APP COMPOSE_HASH)abi-encode add-compose-hash --app "$$teebridge_APP" -- "$$teebridge_COMPOSE_HASH" | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,show-member):
	$(call TEEBRIDGE_need,MEMBER BRIDGE RPC_URL)abi-encode call --to "$$teebridge_BRIDGE" -- 'getMember(bytes32)(bytes32,bytes,uint256)' "$$teebridge_MEMBER" | $(call TEEBRIDGE_node,tx-send --call) | abi-encode decode result getMember

$(call TEEBRIDGE_targets,help):
	@:$(info $(TEEBRIDGE_help))

.RECIPEPREFIX := $(TEEBRIDGE_prefix_before)
.DEFAULT_GOAL := $(TEEBRIDGE_goal_before)

# Pipelines of the teebridge programs as targets for any Makefile (GNU make 4.3, bash, the programs in PATH):
#
#     BRIDGE := 0x…
#     CHAIN := base
#     KEY := file:owner.key
#     include /usr/local/share/teebridge/teebridge.mk
#
#     $ make register-from-url CVM_URL=https://cvm-8080.example.org
#
# `make teebridge-help` lists the targets and their parameters, which are variables of make or of the environment; so
# does `make -f teebridge.mk` without a target. Every target also has a name that begins with `teebridge-`, and only that
# name if TEEBRIDGE_LONG_NAMES is set before the include. All other names defined here begin with TEEBRIDGE_ (the shell
# sees parameters as teebridge_…). The default goal, the shell and the recipe prefix of the including Makefile do not
# change.
#
# A parameter's text reaches neither make's language nor the shell's: recipes only name the variable that holds it.
# Under `make -n`, which runs nothing, they show the text itself, quoted for the shell.

TEEBRIDGE_is_alone := $(filter 1,$(words $(MAKEFILE_LIST)))
TEEBRIDGE_is_shown := $(findstring n,$(firstword -$(value MAKEFLAGS)))
TEEBRIDGE_directory := $(dir $(lastword $(MAKEFILE_LIST)))
TEEBRIDGE_default_ARTEFACT := $(firstword $(wildcard $(TEEBRIDGE_directory)TEEBridge.json \
    $(TEEBRIDGE_directory)../contracts/TEEBridge.json))
TEEBRIDGE_goal_before := $(value .DEFAULT_GOAL)
TEEBRIDGE_prefix_before := $(value .RECIPEPREFIX)
.RECIPEPREFIX :=

TEEBRIDGE_commands := register-from-url register-from-log onboard watch deploy-bridge allow-root remove-root \
    allow-code remove-code add-compose-hash status show-member help

define TEEBRIDGE_help
Targets and their parameters, optional ones in [brackets]:
  register-from-url  CVM_URL [KMS_ROOT] [ALLOW=yes] [VERIFIER]   register a CVM that serves its proof
  register-from-log  LOG [KMS_ROOT] [ALLOW=yes] [VERIFIER]       register a CVM that printed its proof to this log
  onboard            TO SECRET_FILE FROM or SIGN_WITH            seal a secret and post it to a member's inbox
  watch              [KEY] [STATE] [EXEC] [ONCE=yes]             read a member's inbox
  deploy-bridge      [KMS_ROOT] [ARTEFACT]                       create a bridge that allows these KMS roots
  allow-root         KMS_ROOT                                    allow a KMS root
  remove-root        KMS_ROOT                                    stop allowing it; its members stay members
  allow-code         CODE_ID                                     allow a code id
  remove-code        CODE_ID                                     stop allowing it; its members stay members
  add-compose-hash   APP COMPOSE_HASH                            allow a compose file in a dstack app contract
  status             [MEMBER]                                    the bridge's owner, and whether this is a member
  show-member        MEMBER                                      code id, public key and time of registration
All targets:           RPC_URL (or ETH_RPC_URL), [CHAIN], BRIDGE (or BRIDGE_CONTRACT; not for deploy-bridge and
                       add-compose-hash).
To send transactions:  KEY, a source such as file:owner.key (or TEEBRIDGE_KEY, ETH_KEYSTORE), [JOURNAL];
                       [DRY_RUN=yes] sends nothing and shows the outcome and the maximum cost.
If the key is dstack:  [DSTACK_SOCKET], the guest agent's socket or URL (or DSTACK_SIMULATOR_ENDPOINT).
KMS_ROOT (or KMS_ROOTS) may hold several roots, separated by commas, except for allow-root and remove-root. Proofs of
other roots are refused.
`make -n TARGET …` shows the pipeline with its values, passwords and API keys left out, and runs nothing.
endef

# An example for the message about a missing parameter.
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

# All parameters, and the other names of some; of two names set in the same place, the first counts.
TEEBRIDGE_parameters := ALLOW APP ARTEFACT BRIDGE CHAIN CODE_ID COMPOSE_HASH CVM_URL DRY_RUN DSTACK_SOCKET EXEC FROM JOURNAL KEY \
    KMS_ROOT LOG MEMBER ONCE RPC_URL SECRET_FILE SIGN_WITH STATE TO VERIFIER
TEEBRIDGE_names_BRIDGE := BRIDGE BRIDGE_CONTRACT
TEEBRIDGE_names_KEY := KEY TEEBRIDGE_KEY
TEEBRIDGE_names_KMS_ROOT := KMS_ROOT KMS_ROOTS
TEEBRIDGE_names_RPC_URL := ETH_RPC_URL RPC_URL
TEEBRIDGE_names = $(or $(value TEEBRIDGE_names_$1),$1)

# To export a variable of the command line, make would expand it; these become plain text first.
$(foreach name,$(foreach parameter,$(TEEBRIDGE_parameters),$(call TEEBRIDGE_names,$(parameter))),\
    $(if $(filter command,$(firstword $(origin $(name)))),$(eval override $(name) := $$(value $(name)))))

# The name that a parameter was given by: on the command line, else in a Makefile, else in the environment, else here.
TEEBRIDGE_name = $(firstword $(foreach origin,override file environment,$(foreach name,$(call TEEBRIDGE_names,$1),\
    $(if $(strip $(value $(name))),$(if $(filter $(origin),$(firstword $(origin $(name)))),$(name))))) \
    $(if $(value TEEBRIDGE_default_$1),TEEBRIDGE_default_$1))
# A parameter's text; make expands it only if a Makefile has set it.
TEEBRIDGE_text = $(call TEEBRIDGE_text_of,$(call TEEBRIDGE_name,$1))
TEEBRIDGE_text_of = $(if $(filter file,$(origin $1)),$($1),$(value $1))

# A parameter as a word of a pipeline: the shell's variable, or under `make -n` the text in the shell's quotes.
TEEBRIDGE_word = $(if $(TEEBRIDGE_is_shown),$(call TEEBRIDGE_quoted,$(call \
    TEEBRIDGE_shown,$(call TEEBRIDGE_text,$1),$1)),"$$teebridge_$1")
# Without line ends: make would take what follows one for another command.
TEEBRIDGE_quoted = '$(subst $(TEEBRIDGE_line_end),'$$'\n'',$(subst ','\'',$1))'
define TEEBRIDGE_line_end


endef
# What may be shown of a text: TEXT,NAME. A node's URL is shown as the programs do; others may hold a password, too.
TEEBRIDGE_shown = $(if $(or $(filter RPC_URL,$2),$(and $(findstring ://,$1),$(or $(findstring @,$1),$(findstring ?,$1)))),$(call \
    TEEBRIDGE_site,$1,$(firstword $(subst :, ,$1)),$(call TEEBRIDGE_authority,$1)),$1)
TEEBRIDGE_authority = $(firstword $(subst ?, ,$(subst $(TEEBRIDGE_hash), ,$(word 2,$(subst /, ,$1)))))
TEEBRIDGE_hash := \#
# Scheme, host and port of a URL, and a mark for the rest: URL,SCHEME,AUTHORITY.
TEEBRIDGE_site = $(if $(and $(filter http https,$2),$(filter 1,$(words $1))),$2://$(if $(findstring \
    @,$3),$(lastword $(subst @, ,$3)),$(if $(findstring @,$1),,$3))$(if $(filter-out /,$(subst $2://$3,,$1)),/))$(if \
    $(filter-out /,$(subst $2://$3,,$1)),[…])

# Stops at the first parameter that is missing. A key must be given only if the programs would find none.
TEEBRIDGE_need = $(foreach parameter,$1,$(if $(call TEEBRIDGE_name,$(parameter)),,\
    $(error $@: $(parameter) is missing; for example $(parameter)=$(TEEBRIDGE_example_$(parameter)))))
TEEBRIDGE_need_key = $(if $(strip $(value ETH_KEYSTORE)$(value PRIVATE_KEY)),,$(call TEEBRIDGE_need,KEY))

# An option with its parameter, if that was given: NAME,OPTION.
TEEBRIDGE_option = $(if $(call TEEBRIDGE_name,$1), $2 $(call TEEBRIDGE_word,$1))
# An option without a value, if the parameter is yes: NAME,OPTION.
TEEBRIDGE_switch = $(if $(call TEEBRIDGE_name,$1),$(if $(subst xyes,,x$(call TEEBRIDGE_text,$1)),\
    $(error $@: $1 has only one value: $1=yes), $2))
# What follows a source's kind, and 0x.
TEEBRIDGE_tail = $(patsubst 0x%,%,$(patsubst file:%,%,$(patsubst env:%,%,$(patsubst keystore:%,%,$(firstword $1)))))
# A text with a dot and a space for each hex digit; and something if it is a key, as 60 digits or more and no other are.
TEEBRIDGE_digits = $(subst F,. ,$(subst E,. ,$(subst D,. ,$(subst C,. ,$(subst B,. ,$(subst A,. ,$(subst f,. ,$(subst e,. ,$(subst d,. ,$(subst c,. ,$(subst b,. ,$(subst a,. ,$(subst 9,. ,$(subst 8,. ,$(subst 7,. ,$(subst 6,. ,$(subst 5,. ,$(subst 4,. ,$(subst 3,. ,$(subst 2,. ,$(subst 1,. ,$(subst 0,. ,$1))))))))))))))))))))))
TEEBRIDGE_is_key = $(if $(filter-out .,$(call TEEBRIDGE_digits,$1)),,$(word 60,$(call TEEBRIDGE_digits,$1)))
# The source of a key: NAME,OPTION. Anything else could be a key, and is neither shown nor passed on.
TEEBRIDGE_source = $(if $(call TEEBRIDGE_name,$1),$(if $(and $(filter file:% keystore:% env:% fd:% dstack:%,\
    $(firstword $(call TEEBRIDGE_text,$1))),$(if $(call TEEBRIDGE_is_key,$(call TEEBRIDGE_tail,$(call \
    TEEBRIDGE_text,$1))),,source)),$(call TEEBRIDGE_option,$1,$2),\
    $(error $@: $1 is not the source of a key; for example $1=$(TEEBRIDGE_example_$1))))

# The parts of the pipelines. A node's URL may hold a password, so it is passed in the environment.
TEEBRIDGE_node = $(if $(call TEEBRIDGE_name,RPC_URL),ETH_RPC_URL=$(call TEEBRIDGE_word,RPC_URL) )$1$(call \
    TEEBRIDGE_option,CHAIN,--chain)
TEEBRIDGE_at = $(call TEEBRIDGE_option,BRIDGE,--bridge)
TEEBRIDGE_agent = $(call TEEBRIDGE_option,DSTACK_SOCKET,--dstack)
TEEBRIDGE_register = $(if $(call TEEBRIDGE_name,KMS_ROOT),KMS_ROOTS=$(call TEEBRIDGE_word,KMS_ROOT) )abi-encode \
register$(TEEBRIDGE_at)$(call TEEBRIDGE_switch,ALLOW,--allow)$(call TEEBRIDGE_option,VERIFIER,--verifier)
TEEBRIDGE_seal = $(if $(call TEEBRIDGE_name,SIGN_WITH),,$(call TEEBRIDGE_need,FROM))$(call \
    TEEBRIDGE_node,ecies-seal)$(TEEBRIDGE_at)$(call TEEBRIDGE_option,FROM,--from-member)$(call \
    TEEBRIDGE_source,SIGN_WITH,--sign-with)$(TEEBRIDGE_agent) --to-member $(call \
    TEEBRIDGE_word,TO) -- $(call TEEBRIDGE_word,SECRET_FILE)
TEEBRIDGE_watch = $(call TEEBRIDGE_node,inbox-watch)$(TEEBRIDGE_at)$(call TEEBRIDGE_source,KEY,--key)$(TEEBRIDGE_agent)$(call \
    TEEBRIDGE_option,STATE,--state)$(call TEEBRIDGE_option,EXEC,--exec)$(call TEEBRIDGE_switch,ONCE,--once)
TEEBRIDGE_send = $(call TEEBRIDGE_need,RPC_URL)$(TEEBRIDGE_need_key)$(call TEEBRIDGE_node,tx-send)$(call \
    TEEBRIDGE_source,KEY,--key)$(TEEBRIDGE_agent)$(call TEEBRIDGE_option,JOURNAL,--journal)$(call TEEBRIDGE_switch,DRY_RUN,--dry-run)
# A change of one of the bridge's lists: COMMAND,PARAMETER.
TEEBRIDGE_list = $(call TEEBRIDGE_need,$2 BRIDGE)abi-encode $1$(TEEBRIDGE_at) -- $(call TEEBRIDGE_word,$2) | $(TEEBRIDGE_send)
# A question to the bridge, and the answer: NAME,TYPES,PARAMETER.
TEEBRIDGE_ask = abi-encode call --to $(call TEEBRIDGE_word,BRIDGE) -- '$1$2'$(if $3, $(call TEEBRIDGE_word,$3)) | $(call \
    TEEBRIDGE_node,tx-send --call) | abi-encode decode result $1
TEEBRIDGE_ask_member = $(call TEEBRIDGE_ask,isMember,(bytes32)(bool),MEMBER)
TEEBRIDGE_getMember := (bytes32)(bytes32,bytes,uint256)

TEEBRIDGE_targets = teebridge-$1 $(if $(value TEEBRIDGE_LONG_NAMES),,$1)
TEEBRIDGE_all := $(foreach command,$(TEEBRIDGE_commands),$(call TEEBRIDGE_targets,$(command)))

.PHONY: $(TEEBRIDGE_all)
$(TEEBRIDGE_all): private SHELL := bash
$(TEEBRIDGE_all): private .SHELLFLAGS := -o pipefail -c
$(foreach parameter,$(TEEBRIDGE_parameters),\
    $(eval $(TEEBRIDGE_all): export teebridge_$(parameter) = $$(call TEEBRIDGE_text,$(parameter))))

$(call TEEBRIDGE_targets,register-from-url):
	$(call TEEBRIDGE_need,CVM_URL BRIDGE)proof-fetch -- $(call TEEBRIDGE_word,CVM_URL) | $(TEEBRIDGE_register) | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,register-from-log):
	$(call TEEBRIDGE_need,LOG BRIDGE)proof-extract -- $(call TEEBRIDGE_word,LOG) | $(TEEBRIDGE_register) | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,onboard):
	$(call TEEBRIDGE_need,TO SECRET_FILE BRIDGE)$(TEEBRIDGE_seal) | abi-encode onboard$(TEEBRIDGE_at) | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,watch):
	$(call TEEBRIDGE_need,BRIDGE RPC_URL)$(TEEBRIDGE_watch)

$(call TEEBRIDGE_targets,deploy-bridge):
	$(call TEEBRIDGE_need,ARTEFACT)abi-encode deploy -- $(call TEEBRIDGE_word,ARTEFACT) '['$(call TEEBRIDGE_word,KMS_ROOT)']' | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,allow-root):
	$(call TEEBRIDGE_list,add-kms-root,KMS_ROOT)

$(call TEEBRIDGE_targets,remove-root):
	$(call TEEBRIDGE_list,remove-kms-root,KMS_ROOT)

$(call TEEBRIDGE_targets,allow-code):
	$(call TEEBRIDGE_list,add-allowed-code,CODE_ID)

$(call TEEBRIDGE_targets,remove-code):
	$(call TEEBRIDGE_list,remove-allowed-code,CODE_ID)

$(call TEEBRIDGE_targets,add-compose-hash):
	$(call TEEBRIDGE_need,APP COMPOSE_HASH)abi-encode add-compose-hash --app $(call TEEBRIDGE_word,APP) -- $(call TEEBRIDGE_word,COMPOSE_HASH) | $(TEEBRIDGE_send)

$(call TEEBRIDGE_targets,status):
	$(call TEEBRIDGE_need,BRIDGE RPC_URL)$(call TEEBRIDGE_ask,owner,()(address))$(if $(call TEEBRIDGE_name,MEMBER), && $(TEEBRIDGE_ask_member))

$(call TEEBRIDGE_targets,show-member):
	$(call TEEBRIDGE_need,MEMBER BRIDGE RPC_URL)answer=$$($(TEEBRIDGE_ask_member)) && case $$answer in *true*) $(call TEEBRIDGE_ask,getMember,$(TEEBRIDGE_getMember),MEMBER);; *) printf 'show-member: error: %s is not a member of the bridge\n' $(call TEEBRIDGE_word,MEMBER) >&2; exit 1;; esac

$(call TEEBRIDGE_targets,help):
	@:$(info $(TEEBRIDGE_help))

.RECIPEPREFIX := $(TEEBRIDGE_prefix_before)
.DEFAULT_GOAL := $(or $(TEEBRIDGE_goal_before),$(if $(TEEBRIDGE_is_alone),teebridge-help))

"""How requests that attack an application's instructions are worded.

Each pattern is held to what people do not write to each other: a shop's customer asks for a tent's instructions, and
wants an earlier message ignored.

Patterns are of words in lower case, parted by single blanks (`wording.words_of`); here `_` is that blank, and a line's
end is nothing. Every gap has an end, so that none takes more than a text's length.
"""

import re
from typing import NamedTuple


class Attack(NamedTuple):
    """A way to attack: its name, words of which one must be there, and its pattern.

    To look for words takes a hundredth of the time that a pattern takes.
    """

    name: str
    needs: tuple[str, ...]
    pattern: re.Pattern[str]


def _attack(name: str, needs: str, pattern: str) -> Attack:
    words = tuple(need.replace("_", " ") for need in needs.split())
    return Attack(name, words, re.compile("".join(pattern.split()).replace("_", " ")))


# What is said of "my message" is said by whoever wrote it.
_GAP = r"(?:(?!my_)\w+_)"
_INSTRUCTIONS = r"""(?:instructions?|prompts?|rules|guidelines?|directions|directives?|commands|constraints?|programming
    |training|restrictions?|safeguards|limitations|protocols?)\b"""
_LATIN_RULES = r"""(?:reglas|instrucciones|ordenes|indicaciones|instructions|consignes|regles|regras|instrucoes
    |istruzioni|regole)"""

ATTACKS = (
    _attack(
        "override",
        "ignor disregard forget overrid overrul bypass disobey neglect discard dismiss abandon erase follow obey heed",
        rf"""\b(?:ignor\w*|disregard\w*|forget|forgetting|overrid\w*|overrul\w*|bypass\w*|disobey\w*|neglect|discard
        |dismiss|abandon|erase|(?:not|never|stop)_(?:follow|obey|heed|following|obeying))_{_GAP}{{0,4}}?
        (?:previous|previously|prior|preceding|above|earlier|foregoing|former|initial|original|system|your|all|those
        |every)_{_GAP}{{0,3}}?{_INSTRUCTIONS}""",
    ),
    _attack(
        "override",
        "ignor disregard forget",
        r"""\b(?:ignore|disregard|forget)_(?:all_(?:of_)?)?(?:the_)?(?:above|previous)_and\b
        |\bignore_instructions\b
        |\b(?:ignore|disregard|forget)_(?:all|everything|anything|what|whatever)_(?:that_)?
        (?:you_(?:were|are|have_been|had_been|was|know|have_learn\w*|learn\w*)_|(?:was_|is_|stands?_|comes?_|came_)?above\b
        |(?:was_|is_|came_)?(?:said_|written_)?before_this\b)""",
    ),
    _attack(
        "system_prompt",
        "prompt instruction message rule guideline directive configuration programming",
        r"""\b(?:your|this|the_entire|the_full|its)_(?:\w+_){0,2}?
        (?:system|hidden|secret|internal|developer|underlying|confidential|initial|original)_(?:\w+_)?
        (?:prompts?|instructions?|messages?|rules?|guidelines?|directives?|configuration)\b
        |\b(?:reveal|show|print|repeat|output|display|share|recite|dump|leak|disclose|paste|reproduce|give|tell|send|write
        |list|read|copy|what_is|what_was|what_are|what_were|echo|return|translate|summari[sz]e|say|quote|provide|expose
        |describe|explain)_(?:\w+_){0,4}?
        (?:(?:your|the|this|its)_(?:\w+_)?(?:system|developer|hidden|pre)_(?:prompt|message|instructions?)
        |your_(?:own_)?(?:\w+_)?(?:prompt|instructions|directives|programming))\b""",
    ),
    _attack(
        "system_prompt",
        "you_were you_are you_have you_got you_had were_you are_you have_you had_you given_to_you",
        r"""\b(?:instructions?|rules|prompts?|guidelines|directives|commands|orders)_(?:that_)?
        (?:you_(?:were|have_been|had_been|are|got)|(?:were|was|have_been|has_been)_given_to_you)\b
        |\bwhat_(?:were|are|have|had)_you_(?:been_)?(?:told|instructed|programmed|prompted)_(?:not_)?
        (?:to|before|by|at|in|above|earlier)\b
        |\byou_(?:were|have_been|had_been)_(?:told|given|instructed)_(?:\w+_){0,4}?(?:before|above|prior_to)_
        (?:this|the|our|my)\b""",
    ),
    _attack(
        "system_prompt",
        "above before prior preceding with_you_are words_you_are word_you_are phrase_you_are",
        r"""\b(?:repeat|print|output|echo|recite|reproduce|dump|copy|reveal)_(?:\w+_){0,3}?
        (?:words?|everything|all|text|sentences?|lines?|content|instructions?|prompt|messages?|it|that)_(?:\w+_){0,3}?
        (?:above|before_(?:this|my|the)|prior_to_this|preceding_this)\b
        |\b(?:starting|beginning|starts?|begins?)_with_(?:the_(?:words?|phrase)_)?you_are\b""",
    ),
    _attack(
        "role",
        "from_now_on you_are developer_mode _mode",
        r"""\bfrom_now_on_(?:\w+_){0,3}?you_(?:are|act|respond|answer|reply|obey|pretend|speak|behave
        |(?:will|shall|must|should|can)_(?:only_|always_|never_)?
        (?:be|act|respond|answer|reply|obey|pretend|speak|behave|ignore|do_anything))\b
        |\byou_are_now_(?:a|an|called|named|dan|my|free|unrestricted|unfiltered|uncensored|jailbroken|acting|going_to
        |in_(?:\w+_)?mode)\b
        |\byou_are_no_longer_(?:a|an|bound|restricted|limited|required|obliged|under|subject|chatgpt|gpt|the)\b
        |\byou_are_(?:going|about)_to_(?:act|pretend|immerse|play|simulate|roleplay|role_play)\b
        |\b(?:enter|activate|enable|switch_to|go_into|you_are_in|respond_in|answer_in)_(?:\w+_)?
        (?:dan|god|unrestricted|unfiltered|uncensored|jailbreak|jailbroken|sudo|evil|opposite)_mode\b
        |\bdeveloper_mode_(?:enabled|activated|output|v\d|on_you)\b""",
    ),
    _attack(
        "role",
        "anything jailbr dan unrestricted unfiltered uncensored amoral unethical",
        r"""\bdo_anything_now\b|\bjailbr(?:oken|eak)_(?:mode|prompt|ai|model|version)\b
        |\b(?:act|answer|respond|reply|talk|speak|are|be|being|called|named)_(?:as_|like_)?(?:a_)?dan_
        (?:you|and|who|which|mode|stands|do|would|will|has)\b
        |\b(?:unrestricted|unfiltered|uncensored|amoral|unethical)_(?:and_\w+_|\w+_)?
        (?:ai|model|assistant|chatbot|bot|language_model|llm|persona|mode|intelligence|responses?|answers?|version)\b""",
    ),
    _attack(
        "role",
        "restriction filter limitation censorship ethic moral guideline boundaries safeguard polic rule openai confine",
        r"""\b(?:act|behave|respond|answer|pretend|roleplay|role_play|simulate|imagine|speak|reply|talk|write)_
        (?:\w+_){0,10}?(?:without|no|free_of|free_from|ignoring|unbound_by|not_bound_by)_
        (?:(?:any|all|of|the|your|moral|ethical|content|safety|typical|usual|or|and|whatsoever|legal|restrictions?)_){0,5}?
        (?:restrictions|filters?|limitations|censorship|guidelines|ethics|morals|boundaries|safeguards|moral_compass)\b
        |\b(?:not|no_longer)_bound_by_(?:\w+_){0,4}?
        (?:rules?|restrictions|limitations|guidelines|polic(?:y|ies)|constraints)\b
        |\b(?:you|it|that|which|who)_(?:\w+_)?ha(?:s|ve)_(?:absolutely_)?no_(?:\w+_){0,2}?
        (?:restrictions|filters|limitations|guidelines|ethics|morals|censorship)\b
        |\b(?:freed?|broken_free)_(?:of|from)_(?:\w+_){0,4}?
        (?:confines|restrictions|limitations|openai|censorship|guidelines)\b
        |\b(?:ignor\w*|bypass\w*|disregard\w*|break|violat\w*
        |not_(?:follow|comply_with|abide_by|adhere_to|obey|care_about|respect))_(?:\w+_){0,4}?
        (?:openai|content_polic(?:y|ies)|usage_polic(?:y|ies)|ethical_guidelines|content_filters?)\b""",
    ),
    _attack(
        "other_language",
        "ignor vergiss vergess missachte olvid desobedec oubli esque dimentic",
        rf"""\b(?:ignorier\w*|vergiss|vergesst|vergessen_sie|missachte\w*)_(?:\w+_){{0,3}}?
        (?:vorherig\w*|bisherig\w*|vorig\w*|obig\w*|vorangegangen\w*|deine\w*|fruher\w*|ursprunglich\w*)_(?:\w+_){{0,2}}?
        (?:anweisung\w*|instruktion\w*|befehl\w*|regel\w*|vorgab\w*)
        |\b(?:olvid[ae]\w*|ignor[ae]\w*|desobedec\w*|oubli\w*|esquec?[ae]\w*|dimentic\w*)_(?:\w+_){{0,3}}?
        (?:(?:tus|tes|vos|suas|tuas|tue)_(?:\w+_)?{_LATIN_RULES}
        |{_LATIN_RULES}_(?:\w+_){{0,2}}?
        (?:anteriores|previas|precedentes?|anterieures|precedenti|ci_dessus|initiales|iniciales))\b""",
    ),
    _attack(
        "other_language",
        "지시 명령 지침 규칙 프롬프트 시스템 指令 指示 提示 规则 命令 プロンプト",
        r"""(?:이전|앞선|위의|위|지금까지의|기존|모든)의?_?(?:\w+_){0,2}?\w{0,4}(?:지시|명령|지침|규칙|프롬프트)\w*_
        (?:\w+_){0,2}?(?:무시|잊어|잊고|따르지)
        |시스템_?(?:프롬프트|메시지|지침|지시)\w*_(?:\w+_){0,3}?(?:보여|알려|출력|공개|말해|무엇|뭐)
        |(?:忽略|无视|忘记|忘掉|不要理会)\w{0,8}?(?:之前|以上|先前|前面|上述|所有)\w{0,8}?(?:指令|指示|提示|规则|命令)
        |(?:これまで|以前|上記|今まで|前)の?\w{0,8}?(?:指示|命令|プロンプト)\w{0,6}?(?:無視|忘れ)""",
    ),
)

UNSPACED = re.compile(
    r"(?:ignor|disregard|forget)\w{0,16}?(?:previous|prior|above|earlier|preceding|your|all)\w{0,16}?"
    r"(?:instruction|prompt|rules)"
    r"|(?:reveal|show|print|repeat|tell|give|what)\w{0,16}?(?:system|hidden|secret|your)(?:prompt|instructions|message)"
    r"|doanythingnow"
)
"""The same of words that are not parted."""

MARKS = re.compile(
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|begin_of_text|end)\|>"
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"
    r"|^[ \t]{0,8}[^\w\s]{0,4}[ \t]{0,4}(?:system|developer|admin(?:istrator)?)[^\w\n]{1,6}"
    r"(?:you|ignore|disregard|new|override|from now|forget|the (?:user|assistant|model)|respond|print|reveal|output"
    r"|enable)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""Marks by which chat templates part messages, and a line that speaks as the system; of a text as it stands."""

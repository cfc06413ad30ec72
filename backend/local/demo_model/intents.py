"""The table of what the demo model understands: an expression that finds it in a request, and what is then done."""

import ast
import re
from collections.abc import Callable
from dataclasses import replace

from backend.app.domain.projects.workflow.workflow import read_workflow
from backend.local.demo_model import edits
from backend.local.demo_model.context import ALL, RequestContext
from backend.local.demo_model.names import LANGUAGE, free_name, identifier, key_of, listed
from backend.local.demo_model.new_agents import new_agents_in

# What an intent does: the context afterwards, and a note for the person.
Done = tuple[RequestContext, str]
Act = Callable[[str, "re.Match[str]", RequestContext], Done]
Intent = tuple["re.Pattern[str]", Act]

_MAX_SHOWN, _MAX_SHOWN_CHARACTERS = 50, 200
_NO_GIVER = re.compile(r"\b(?:let|have|make|add|an?|should|can|must|and|then|please|that|which|also)\b", re.I)
_SPEAKS = re.compile(r"Always answer in \w+\.")
_STYLES = {r"short|brief|concise": "Keep each answer short.", r"friendl|polite|nice": "Be friendly and polite."}


def create(clause: str, match: re.Match[str], context: RequestContext) -> Done:
    """Create one agent or several, with the handoffs, tool and language that the rest of the clause asks for."""
    names, rest = new_agents_in(clause[match.end() :])
    made, known = [], []
    for name in names:
        var = identifier(name, "_agent")
        if var in context.variables and not re.search(r"\banother\b", clause, re.I):
            known.append(var)
        else:
            var = free_name(var, context.source.names)
            made.append(var)
            code = edits.add_agent(context.code, var, f"{name[:1].upper()}{name[1:]} agent", _instructions(name))
            context = replace(context, code=code)
        context = replace(context, touched=(*context.touched, var))
    notes = [f"I created {listed(made)}."] if made else []
    notes += [f"There is already an agent {var}." for var in known]
    if len(names) > 1 and re.search(_HANDOFF, rest, re.I):
        first, *others = context.touched[-len(names) :]
        context = replace(context, code=_linked(context.code, first, others))
        notes.append(f"{first} hands off to {listed(others)}.")
    for pattern, act in (TOOL, HAND_OFF, INSTRUCT) if len(names) == 1 else ():
        if found := pattern.search(rest):
            context, note = act(rest, found, context)
            notes.append(note)
    return context, " ".join(notes)


def _instructions(name: str) -> str:
    if "triage" in name.lower():
        return "Find out what the customer needs, and hand off to the agent that can help."
    language = LANGUAGE.search(name)
    return f"You help with {name.lower()}." + (f" Always answer in {language[0].capitalize()}." if language else "")


def _linked(code: str, giver: str, takers: list[str]) -> str:
    for taker in takers:
        nodes = {node.name: node for node in read_workflow(code).nodes}
        if giver not in nodes or taker not in nodes[giver].handoffs:
            code = edits.add_handoff(code, giver, taker)
    return code


def hand_off(clause: str, match: re.Match[str], context: RequestContext) -> Done:
    """Let agents hand off to others."""
    before, after = clause[: match.start()], clause[match.end() :]
    if between := re.search(r"\bfrom (.+?) to (.+)", after, re.I):
        before, after = between[1], between[2]
    givers = [one.var for one in context.meant(_NO_GIVER.sub("", before))]
    takers = [one.var for one in context.meant(re.sub(r"^ ?to\b", "", after, flags=re.I))]
    code, notes = context.code, []
    for giver in givers:
        start, others = code, [taker for taker in takers if taker != giver]
        code = _linked(code, giver, others)
        notes.append(f"{giver} {'already ' if code == start else ''}hands off to {listed(others) or 'no other agent'}.")
    return replace(context, code=code, touched=(*context.touched, *givers)), " ".join(notes)


def rename(_: str, match: re.Match[str], context: RequestContext) -> Done:
    """Rename an agent."""
    agent = context.meant(match["old"])[0]
    name = re.sub(r"^(?:the|an?) ", "", match["new"].strip(" .!?,;\"'`"), flags=re.I)
    var = identifier(name, "_agent" if agent.var.endswith("agent") else "")
    code = edits.rename_agent(context.code, agent.var, var, name[:1].upper() + name[1:])
    return replace(context, code=code, touched=(*context.touched, var)), f"I renamed {agent.var} to {var}."


def give_tool(clause: str, match: re.Match[str], context: RequestContext) -> Done:
    """Give an agent a function tool."""
    agent = (context.named(clause) or [context.it()])[0]
    parts = re.split(r" (?:to|that|which|for|called|named) ", match["after"])[1:]
    purposes = [part for part in parts if part != "it" and key_of(re.sub("^the ", "", part)) not in context.keys]
    kind = re.search(r"(?:an?|another|new) ((?:[\w-]+ ){0,3}?)$", match["kind"], re.I)
    words = re.findall(r"\w+", purposes[0] if purposes else kind[1] if kind else "") or ["helper"]
    name = free_name(identifier(" ".join(words[:4])), context.source.names)
    code = edits.add_tool(context.code, agent.var, name, " ".join(words)[:200].capitalize())
    return replace(context, code=code, touched=(*context.touched, agent.var)), f"{agent.var} now has the tool {name}."


def remove(_: str, match: re.Match[str], context: RequestContext) -> Done:
    """Remove agents, with the handoffs to them."""
    removed = [agent.var for agent in context.meant(match[1])]
    for var in removed:
        context = replace(context, code=edits.remove_agent(context.code, var))
    return context, f"I removed {listed(removed)}."


def instruct(clause: str, match: re.Match[str], context: RequestContext) -> Done:
    """Make agents answer in a language or a style."""
    if language := match["language"]:
        sentence, how = f"Always answer in {language.capitalize()}.", f"in {language.capitalize()}"
    else:
        sentence = next(words for style, words in _STYLES.items() if re.match(style, match["style"], re.I))
        how = f'by the instruction "{sentence.rstrip(".")}"'
    who = clause.replace(language or match["style"], "")
    if named := re.search(r"\b(?:the|my|our) ([\w -]+?) agents?\b", who, re.I):
        who = named[1]
    agents = context.meant(who) if named or context.named(who) or ALL.search(who) else [context.it()]
    code = context.code
    for agent in agents:
        code = edits.add_instruction(code, agent.var, sentence, _SPEAKS if language else None)
    names = [agent.var for agent in agents]
    verb = f"{'already' if code == context.code else 'now'} always answer{'s' if len(agents) == 1 else ''}"
    return replace(context, code=code, touched=(*context.touched, *names)), f"{listed(names)} {verb} {how}."


def answer_question(clause: str, _: re.Match[str], context: RequestContext) -> Done:
    """Describe the agents that the question names, or all of them."""
    agents = context.named(clause) or ([context.it()] if re.search(r"\bits?\b", clause) else context.source.agents)
    nodes = {node.name: node for node in read_workflow(context.code).nodes}
    number = "is **1 agent**" if len(agents) == 1 else f"are **{len(agents)} agents**"
    lines = [f"There {number}:", ""] if len(agents) == len(context.source.agents) else []
    for agent in agents[:_MAX_SHOWN]:
        value = agent.keyword("instructions")
        text = str(value.value) if isinstance(value, ast.Constant) else "its instructions are computed by the code"
        lines.append(f"- **{agent.var}**: {' '.join(text.split())[:_MAX_SHOWN_CHARACTERS]}")
        node = nodes.get(agent.var)
        for what, names in (("hands off to", node.handoffs), ("tools:", node.tools)) if node else ():
            lines += [f"  - {what} {listed([f'`{name}`' for name in names])}"] if names else []
    return context, "\n".join(lines)


def _intent(pattern: str, act: Act) -> Intent:
    return re.compile(pattern, re.IGNORECASE), act


def _point_out(pattern: str, text: str) -> Intent:
    """What a person does in the console."""
    return _intent(pattern, lambda _, __, context: (context, text))


_HANDOFF = r"\bhand(?:s|ing)?[ -]?(?:offs?|over)\b"
_START = r"^\W*(?:(?:please|now|ok|hi|hello|and|so|(?:can|could|would|will) you(?: please)?)\W+)*"
_ASK = "(?:which|what|how|who|why|where|explain|describe|list|show|does|is|are)"
_EDIT = "create|add|make|build|rename|remove|delete|give|let|change|hand|speak|answer in|need|want"
TOOL = _intent(r"\b(?:give|add|create|make|build|need|with|have)\b(?P<kind>.*)\btools?\b(?P<after>.*)", give_tool)
HAND_OFF = _intent(_HANDOFF, hand_off)
INSTRUCT = _intent(
    rf"(?<!from )(?<!not )(?<!of ){LANGUAGE.pattern}|"
    rf"\b(?:make|keep|be|more|answer\w*|write|sound)\b.*\b(?P<style>{'|'.join(_STYLES)})",
    instruct,
)
# Looked for at the start of a request only.
REQUEST_INTENTS = (
    _point_out(
        rf"{_START}(?:undo|revert|restore|roll ?back|(?:go|return|take)\b.* back\b|(?:go )?back to)",
        "I do not take changes back, but every version is kept: step through them with the two arrows above the code. "
        "To return to one, copy its code, go to the newest version, choose **Edit**, paste and save.",
    ),
    _intent(rf"{_START}{_ASK}\b|^(?!.*\b(?:{_EDIT})\b).*\?$", answer_question),
)
# The first row that fits a part of a request decides.
INTENTS = (
    _intent(
        r"\b(?:create|add|make|build|generate|set up|need|want)(?: me| us)? (?!(?:the|all|my|our|it|every|both)\b)"
        r"(?=(?:\S+ ){0,30}?agents?\b)",
        create,
    ),
    _point_out(r"\brename (?:the |this |my )?project", "You rename the project in the menu ⋯ beside its name."),
    _intent(r"\brename (?P<old>.+?) (?:to|as|into) (?P<new>\W*\w.*)", rename),
    _intent(r"\bcall (?P<old>it|(?:the|this) .+? ?agent) (?P<new>.+)", rename),
    _point_out(
        rf"\b(?:remove|delete|drop|stop)\b.*(?:\btools?\b|{_HANDOFF})",
        "I only add tools and handoffs. To remove one, choose **Edit** above the code.",
    ),
    TOOL,
    HAND_OFF,
    _intent(r"\b(?:remove|delete|drop|get rid of) (.+)", remove),
    INSTRUCT,
)

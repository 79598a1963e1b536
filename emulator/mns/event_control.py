"""The control plane's operations on event rules (Mns-open 2022-01-19).

Its lists travel as JSON text. The codes of refusals, what a second rule of the same name meets and how a family of
events is written are not known and are switches. The same client token is answered as the first time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from emulator.call import Operations, Reply
from emulator.mns import refusals
from emulator.mns.attributes import checked_name, chosen
from emulator.mns.envelope import answer, required
from emulator.mns.event_rules import EventRule, Match, is_raised, spelling_of
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.mns.state import MnsState
    from emulator.state import Cloud

SERVED = Operations("mns-open")
PRODUCTS = frozenset({"oss"})
MOST_RULES = 10  # per region: OSS's documented limit (www.alibabacloud.com/help/doc-detail/122379.htm)
SMALLEST_PAGE, LARGEST_PAGE, LAST_PAGE = 10, 50, 100_000


@SERVED.serves(
    "CreateEventRule",
    *("ProductName", "RuleName", "EventTypes", "MatchRules", "Endpoint", "Endpoints", "ClientToken", "DeliveryMode"),
    provenance="sdk",
)
def create_event_rule(cloud: Cloud, call: Call) -> Reply:
    """Make a rule for OSS's events; Data is its name."""
    mns = cloud.mns(call.account, call.region)
    name = checked_name("Rule", required(call, "RuleName"))
    product = _product(call)
    token = call.params.get("ClientToken", "")
    there = mns.event_rules.get(name)
    if there is not None:
        if token and there.client_token == token:
            return answer(call, name)
        if cloud.switches.event_rule_again == "accepted":
            return answer(call, name)
        raise Refusal(409, cloud.switches.event_rule_again, "The event rule you want to create is already exist.")
    if len(mns.event_rules) >= MOST_RULES and not cloud.loose:
        raise Refusal(400, "EventRuleNumExceedLimit", f"A region has at most {MOST_RULES} event rules.")
    kind, endpoint = _endpoint(mns, call)
    mns.event_rules[name] = EventRule(
        name=name,
        event_types=_event_types(cloud, call),
        matches=_matches(call),
        endpoint_type=kind,
        endpoint_name=endpoint,
        created=cloud.clock.now(),
        product=product,
        client_token=token,
        delivery_mode=call.params.get("DeliveryMode", ""),
    )
    return answer(call, name)


@SERVED.serves("GetEventRule", "ProductName", "RuleName", provenance="sdk")
def get_event_rule(cloud: Cloud, call: Call) -> Reply:
    """One rule."""
    mns = cloud.mns(call.account, call.region)
    return answer(call, _shown(call, mns, _rule(cloud, mns, call)))


@SERVED.serves("DeleteEventRule", "ProductName", "RuleName", provenance="sdk")
def delete_event_rule(cloud: Cloud, call: Call) -> Reply:
    """End a rule."""
    mns = cloud.mns(call.account, call.region)
    del mns.event_rules[_rule(cloud, mns, call).name]
    return answer(call, None, status=204)


@SERVED.serves(
    "ListEventRules",
    *("ProductName", "RuleName", "ResourceName", "Subscription", "TopicName", "PageNum", "PageSize"),
    *("MaxResults", "NextToken"),
    provenance="sdk",
)
def list_event_rules(cloud: Cloud, call: Call) -> Reply:
    """Rules by name; a page number or size outside its range counts as the nearest one inside, as documented."""
    mns = cloud.mns(call.account, call.region)
    names = [name for name in sorted(mns.event_rules) if _is_asked_for(call, mns.event_rules[name])]
    number = _clamped(call, "PageNum", 1, LAST_PAGE)
    size = _clamped(call, "PageSize", SMALLEST_PAGE, LARGEST_PAGE)
    page = names[(number - 1) * size : number * size]
    shown = {
        "PageData": [_shown(call, mns, mns.event_rules[name]) for name in page],
        "PageNum": number,
        "PageSize": size,
        "Pages": -(-len(names) // size),
        "Size": len(page),
        "Total": len(names),
        "MaxResults": size,
        "NextToken": "",
    }
    return answer(call, shown)


def _is_asked_for(call: Call, rule: EventRule) -> bool:
    params = call.params
    if params.get("ProductName", rule.product) not in {"", rule.product}:
        return False
    if params.get("TopicName") and (rule.endpoint_type, rule.endpoint_name) != ("topic", params["TopicName"]):
        return False
    subscription = _json(call, "Subscription", dict) if params.get("Subscription") else {}
    wanted = (str(subscription.get("EndpointType", "")), str(subscription.get("EndpointValue", "")).rpartition("/")[2])
    if wanted[0] not in {"", rule.endpoint_type} or wanted[1] not in {"", rule.endpoint_name}:
        return False
    resource = params.get("ResourceName", "")
    said = [match.name or match.prefix for matches in rule.matches for match in matches]
    named = any(text.rpartition(":")[2].partition("/")[0] == resource for text in said)
    return params.get("RuleName", "") in rule.name and (not resource or named)


def _product(call: Call) -> str:
    product = required(call, "ProductName").lower()
    if product not in PRODUCTS:
        raise refusals.not_served(f"Event rules of the product {product[:40]}")
    return product


def _rule(cloud: Cloud, mns: MnsState, call: Call) -> EventRule:
    _product(call)
    rule = mns.event_rules.get(required(call, "RuleName"))
    if rule is None:
        raise Refusal(404, cloud.switches.event_rule_absent_code, "The event rule you provided is not exist.")
    return rule


def _event_types(cloud: Cloud, call: Call) -> list[str]:
    kinds = _json(call, "EventTypes", list)
    if not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise refusals.invalid_argument("The value of EventTypes is invalid: it must be a list of event types.")
    spelt = cloud.switches.event_rule_family
    other = [kind for kind in kinds if spelt != "any" and spelling_of(kind) not in {"", spelt}]
    if other:
        raise refusals.invalid_argument(f"The value of EventTypes is invalid: {other[0][:100]} is no event type.")
    silent = [kind for kind in kinds if not is_raised(kind)]
    if silent:
        raise refusals.not_served(f"The event type {', '.join(silent)[:100]}")
    return list(kinds)


def _matches(call: Call) -> list[list[Match]]:
    rules = _json(call, "MatchRules", list)
    if not rules or not all(isinstance(rule, list) and rule for rule in rules):
        raise refusals.invalid_argument("The value of MatchRules is invalid: it must be a list of lists.")
    return [[_match(given) for given in rule] for rule in rules]


def _match(given: Any) -> Match:
    if not isinstance(given, dict) or set(given) - {"Name", "Prefix", "Suffix", "MatchState"}:
        raise refusals.invalid_argument("The value of MatchRules is invalid: a rule has Name, Prefix, Suffix.")
    name, prefix, suffix = (str(given.get(key) or "") for key in ("Name", "Prefix", "Suffix"))
    if not (name or prefix or suffix) or (name and (prefix or suffix)):
        raise refusals.invalid_argument("The value of MatchRules is invalid: Name, or Prefix and Suffix, not both.")
    return Match(name, prefix, suffix, wanted=str(given.get("MatchState", True)).lower() == "true")


def _endpoint(mns: MnsState, call: Call) -> tuple[str, str]:
    """The type and name of the endpoint, which must exist; the deprecated list may hold one as well."""
    given = _json(call, "Endpoint", dict) if call.params.get("Endpoint") else None
    if given is None:
        listed = _json(call, "Endpoints", list)
        if len(listed) != 1 or not isinstance(listed[0], dict):
            raise refusals.not_served("An event rule with other than one endpoint")
        given = listed[0]
    kind = str(given.get("EndpointType", ""))
    if kind == "http":
        raise refusals.not_served("Pushing events to an HTTP endpoint")
    name = str(given.get("EndpointValue", "")).rpartition("/")[2]
    if chosen("EndpointType", kind, frozenset({"topic", "queue"})) == "topic":
        if name not in mns.topics:
            raise refusals.topic_absent()
    elif name not in mns.queues:
        raise refusals.queue_absent()
    return kind, name


def _shown(call: Call, mns: MnsState, rule: EventRule) -> dict[str, object]:
    value = rule.endpoint_name
    if rule.endpoint_type == "queue":
        value = f"acs:mns:{call.region}:{call.account}:/queues/{rule.endpoint_name}"
    endpoint = {"EndpointType": rule.endpoint_type, "EndpointValue": value}
    topic = mns.topics.get(rule.endpoint_name) if rule.endpoint_type == "topic" else None
    held = [] if topic is None else list(topic.subscriptions.values())
    subscribed = [{"EndpointType": "queue", "EndpointValue": subscription.endpoint} for subscription in held]
    return {
        "RuleName": rule.name,
        "EventTypes": rule.event_types,
        "MatchRules": [[_shown_match(match) for match in matches] for matches in rule.matches],
        "Endpoint": endpoint,
        "Subscriptions": [endpoint] if rule.endpoint_type == "queue" else subscribed,
        "TopicName": rule.endpoint_name if rule.endpoint_type == "topic" else "",
        "DeliveryMode": rule.delivery_mode,
    }


def _shown_match(match: Match) -> dict[str, object]:
    given = {"Name": match.name, "Prefix": match.prefix, "Suffix": match.suffix}
    return {**{key: value for key, value in given.items() if value}, "MatchState": match.wanted}


def _json(call: Call, name: str, kind: type) -> Any:
    try:
        value = json.loads(required(call, name))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise refusals.invalid_argument(f"The value of {name} is invalid: it must be JSON text.")
    return value


def _clamped(call: Call, name: str, low: int, high: int) -> int:
    text = call.params.get(name, "")
    digits = text.isascii() and text.isdigit() and len(text) < 10  # noqa: PLR2004 - more digits than any page has
    return min(max(int(text), low), high) if digits else low

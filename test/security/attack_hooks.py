"""What Schemathesis can't read from the OpenAPI document of the API. `attack.ts` names this file in its settings."""

import json
import os
import re

import schemathesis
from hypothesis import strategies as st

# Formats narrower than their standards: the document says how, by a pattern, and most made-up values would miss it.
label = st.from_regex(r"[A-Za-z0-9][a-z0-9-]{0,9}", fullmatch=True)
local = st.from_regex(r"[A-Za-z0-9_'+-]{1,12}(\.[a-z0-9]{1,8})?", fullmatch=True)
top = st.from_regex(r"[a-z]{2,6}", fullmatch=True)
schemathesis.openapi.format("email", st.builds("{}@{}.{}".format, local, label, top))
year = st.sampled_from([1970, 2020, 2026, 2027, 2028, 2031, 2040, 9999])
moment = st.tuples(year, st.integers(1, 12), st.integers(1, 28), st.integers(0, 23), st.integers(0, 59))
schemathesis.openapi.format("date-time", moment.map(lambda at: "{:04}-{:02}-{:02}T{:02}:{:02}:00.000Z".format(*at)))

# Rules between fields, and of what was given out before, that JSON Schema has no words for: by operation, the fields
# that may be refused with VALIDATION_FAILED though each of them fits its schema.
RULES_BETWEEN_FIELDS = {
    "createBooking": {"bestAvailable"},
    "createQuote": {"bestAvailable"},
    "createShow": {"startsAt", "endsAt", "salesOpenAt", "salesCloseAt", "categories"},
    "changeShow": {"startsAt", "endsAt", "salesOpenAt", "salesCloseAt", "refundUntil"},
    "createTheatre": {"cancellationPolicy"},
    "changeTheatre": {"cancellationPolicy"},
    "createScreen": {"name"},
    "createWebhookEndpoint": {"url"},
    "startReconciliation": {"from", "to", "repair"},
}
GIVEN_OUT = {"cursor"}


# Longer lists are larger than any body may be, and half of the attack's time would go into making them.
ITEMS_MAX = 1_000


def with_short_lists(schema):
    if isinstance(schema, list):
        return [with_short_lists(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: each for key, each in schema.items() if key != "maxItems" or each <= ITEMS_MAX}
    return {key: with_short_lists(each) for key, each in kept.items()}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    raw_schema["components"]["schemas"] = with_short_lists(raw_schema["components"]["schemas"])


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """A request that fits the document is never invalid. What the sale refuses for other reasons has a code of its own."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    if problem["code"] != "VALIDATION_FAILED":
        return False
    operation = case.operation.definition.raw.get("operationId")
    allowed = RULES_BETWEEN_FIELDS.get(operation, set()) | GIVEN_OUT
    return not all(error["path"].split(".")[0] in allowed for error in problem["errors"])


# The document's examples name nothing that is there: these are, by their prefix.
EXAMPLE = re.compile(r"^([a-z]{3})_0Zr3c4QyS5uY1nXbK2mWpA$")
THERE = json.loads(os.environ["ATTACK_IDS"])


def there(value):
    if isinstance(value, dict):
        return {key: there(each) for key, each in value.items()}
    if isinstance(value, list):
        return [there(each) for each in value]
    example = EXAMPLE.match(value) if isinstance(value, str) else None
    return THERE.get(example.group(1), value) if example else value


@schemathesis.hook
def before_call(context, case, kwargs):
    case.path_parameters = there(case.path_parameters)
    case.query = there(case.query)
    case.body = there(case.body)
    # A partner's endpoint is one of ours: what is made up may be somebody's, and would be called.
    if case.operation.definition.raw.get("operationId") == "createWebhookEndpoint" and isinstance(case.body, dict):
        url = case.body.get("url")
        if isinstance(url, str) and url.startswith("http"):
            case.body["url"] = os.environ["ATTACK_PARTNER_URL"]

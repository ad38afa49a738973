"""The calls of one tag as a `.http` file, as the REST Client of editors reads it."""

from collections.abc import Iterator, Sequence

from veza.management.requests.calls import FIRST, FORM, JSON, VARIABLES, Call, sample_part

HEAD = """\
# {tag}: written by `manage.py export_requests` from docs/api/openapi.yaml.
#
# For the REST Client of VS Code, the HTTP editor of Visual Studio, and httpYac: send the first
# request, then any other. Set the variables to a server and an account of yours; `make run` has
# the server, and the request "{register}" of auth.http makes the account.
"""
TOKENS = f"""
###
@token = {{{{{FIRST[0]}.response.body.$.access}}}}
@refresh = {{{{{FIRST[0]}.response.body.$.refresh}}}}
"""
BOUNDARY = "a-boundary-of-parts"


def http_file(tag: str, calls: Sequence[Call], *, sign_in: Call, register: Call) -> str:
    """The whole file. The call by which one signs in comes first, also where it is another's."""
    known = {call.makes for call in calls if call.makes}
    parts = sorted({part for call in calls for part in call.parts} - known - set(VARIABLES))
    variables = VARIABLES | {part: sample_part(tag, part) for part in parts}
    others = [call for call in calls if call is not sign_in]
    lines = [HEAD.format(tag=tag, register=register.title), *_variables(variables)]
    if len(others) < len(calls) or any(call.needs_token for call in others):
        lines += [*_request(sign_in), TOKENS]
    for call in others:
        lines += _request(call)
    return "".join(lines)


def _variables(variables: dict[str, str]) -> Iterator[str]:
    yield "\n"
    for name, value in variables.items():
        yield f"@{name} = {value}\n"


def _request(call: Call) -> Iterator[str]:
    yield f"\n### {call.title}\n"
    optional = [each.name for each in (*call.query, *call.headers) if not each.is_required]
    if optional:
        yield f"# It also takes: {', '.join(optional)}\n"
    yield f"# @name {call.id}\n"
    query = "&".join(f"{each.name}={each.value}" for each in call.query if each.is_required)
    yield f"{call.method} {{{{baseUrl}}}}{_path(call)}{f'?{query}' if query else ''}\n"
    for header in call.headers:
        if header.is_required:
            yield f"{header.name}: {header.value}\n"
    if call.needs_token:
        yield "Authorization: Bearer {{token}}\n"
    yield from _body(call)
    if call.makes:
        yield f"\n###\n@{call.makes} = {{{{{call.id}.response.body.$.id}}}}\n"


def _path(call: Call) -> str:
    path = call.path
    for part in call.parts:
        path = path.replace(f"{{{part}}}", f"{{{{{part}}}}}")
    return path


def _body(call: Call) -> Iterator[str]:
    if call.content_type == JSON:
        yield f"Content-Type: {JSON}\n\n{call.json}\n"
    elif call.content_type == FORM:
        yield f"Content-Type: {FORM}; boundary={BOUNDARY}\n\n"
        named = f'name="{call.file}"; filename="file.bin"'
        yield f"--{BOUNDARY}\nContent-Disposition: form-data; {named}\n"
        yield f"\n< ./file.bin\n--{BOUNDARY}--\n"
    elif call.content_type:
        yield f"Content-Type: {call.content_type}\n\n< ./file.bin\n"

"""The configurations of the tests: who calls, what they may, and the rules."""

from support.gateway import Account


class Accounts:
    """Who calls: two with the same rights, one without any, and one whom no rule blocks."""

    def __init__(self):
        self.analyst = Account("analyst", "analysts")
        self.colleague = Account("colleague", "analysts")
        self.admin = Account("admin", "admins")
        self.stranger = Account("stranger", "nobody-knows")
        self.all = [self.analyst, self.colleague, self.admin, self.stranger]


def configuration(accounts, servers, policies=(), **more):
    """A configuration in which analysts and admins may use all servers, and the rules decide."""
    return {
        "identity": {"service_accounts": [account.entry for account in accounts.all]},
        "servers": {
            name: server if isinstance(server, dict) else {"url": server}
            for name, server in servers.items()
        },
        "profiles": {
            "everything": {
                "groups": ["analysts", "admins"],
                "allow": [{"server": name, "tools": ["*"]} for name in servers],
            },
        },
        "policies": list(policies),
        **more,
    }


PERSONAL = {
    "name": "personal-data",
    "match": {"servers": ["*"]},
    "effect": "mask",
    "mask": [
        {"fields": ["ssn", "email"], "with": "redact"},
        {"fields": ["card.number"], "with": "partial"},
    ],
}


def full_configuration(accounts, upstreams):
    """The one most tests share: a narrower profile, rules, masks."""
    settings = configuration(accounts, upstreams.urls, [
        {
            "name": "no-destructive-sql",
            "match": {
                "servers": ["alchemy"], "tools": ["execute_query"], "groups": ["analysts"],
                "arguments": {"query": {"regex": r"(?i)\b(drop|truncate|alter|delete|update)\b"}},
            },
            "effect": "block",
            "message": "Destructive SQL is not available to agents. Ask \"#dba\".",
        },
        {
            "name": "no-wiping",
            "match": {"servers": ["people", "people-sse"], "tools": ["wipe"]},
            "effect": "block",
        },
        {
            "name": "keep-the-index",
            "match": {"servers": ["git"], "tools": ["git_reset"]},
            "effect": "block",
            "message": "Staged changes belong to people.",
        },
        PERSONAL,
        {
            "name": "where-we-are",
            "match": {"servers": ["time"], "tools": ["get_current_time"]},
            "effect": "mask",
            "mask": [{"fields": ["timezone"], "with": "redact"}],
        },
        {
            "name": "authors",
            "match": {"servers": ["excel"]},
            "effect": "mask",
            "mask": [
                {"fields": ["doc_properties.author"], "with": "redact"},
                {"fields": ["values"], "with": "partial"},
            ],
        },
    ])
    settings["profiles"] = {
        "analyst": {
            "groups": ["analysts"],
            "allow": [
                {"server": "people", "tools": ["*_person", "list_people", "wipe", "fail", "greet"]},
                {"server": "people-sse", "tools": ["*"]},
                {"server": "alchemy", "tools": ["all_table_names", "execute_query"]},
                {"server": "excel", "tools": ["describe_*", "read_range"]},
                {"server": "time", "tools": ["*"]},
                {"server": "git", "tools": ["git_status", "git_log", "git_reset"]},
            ],
        },
        "admin": {"groups": ["admins"], "allow": [{"server": "*", "tools": ["*"]}]},
    }
    return settings

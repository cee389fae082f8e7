"""Record what this release asks of the database: python -m tests.releases > tests/releases/REVISION.json"""

import json

from wallet_service.ledger.actions import ENTER_ACTION
from wallet_service.ledger.call_groups import APPLY_CALLS
from wallet_service.ledger.functions import CONTRACT
from wallet_service.ledger.grants import CALLER, GRANTS, READER
from wallet_service.ledger.models import Base
from wallet_service.ledger.statements import STATEMENTS
from wallet_service.schema import HEAD

COLUMNS = {name: sorted(column.name for column in table.columns) for name, table in Base.metadata.tables.items()}

print(
    json.dumps(
        {
            "revision": HEAD,
            "contract": CONTRACT,
            "calls": sorted(str(statement) for statement in (*STATEMENTS.values(), APPLY_CALLS, ENTER_ACTION)),
            "reads": {
                group: {
                    table: COLUMNS[table] for table in sorted(GRANTS) if table in COLUMNS and group in GRANTS[table]
                }
                for group in (CALLER, READER)
            },
            "writes": {
                table: sorted(privilege for privilege in granted.get(CALLER, ()) if privilege != "SELECT")
                for table, granted in sorted(GRANTS.items())
            },
        },
        indent=2,
    )
)

"""Jobs that any application wants. Each factory makes its job where it is called, as `@job` would there:

    from scheduled.builtin import backup_database, check_services

    backup_database(group="maintenance", keep=7)
    check_services(group="monitoring", targets=["https://example.com/health", "tcp://localhost:6379"])

All of them take the options of `@job` besides their own, and return the job that they made.
"""

from scheduled.builtin.backup import backup_database
from scheduled.builtin.disk import check_disk_space
from scheduled.builtin.ledger import prune_history, verify_ledger
from scheduled.builtin.optimize import optimize_database
from scheduled.builtin.services import check_services
from scheduled.builtin.usage_report import write_usage_report

__all__ = [
    "backup_database",
    "check_disk_space",
    "check_services",
    "optimize_database",
    "prune_history",
    "verify_ledger",
    "write_usage_report",
]

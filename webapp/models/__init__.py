"""The tables: columns, relations, constraints. No queries, no commits."""

from webapp.models.analysis import Analysis
from webapp.models.audit import AuditEntry
from webapp.models.base import Base, UTCDateTime, new_uid, now
from webapp.models.exam import Exam
from webapp.models.image import Image
from webapp.models.job import JOB_STATES, Job, Worker
from webapp.models.patient import Patient
from webapp.models.read import BIRADS, Read
from webapp.models.user import ROLES, Group, Role, User

__all__ = [
    "BIRADS",
    "JOB_STATES",
    "ROLES",
    "Analysis",
    "AuditEntry",
    "Base",
    "Exam",
    "Group",
    "Image",
    "Job",
    "Patient",
    "Read",
    "Role",
    "UTCDateTime",
    "User",
    "Worker",
    "new_uid",
    "now",
]

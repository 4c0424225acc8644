"""The tables: columns, relations, constraints. No queries, no commits."""

from webapp.models.analysis import Analysis
from webapp.models.audit import ACTIONS, GENESIS, AuditEntry, AuditHead, AuditReview
from webapp.models.base import Base, UTCDateTime, new_uid, now
from webapp.models.erasure import ERASED_BY, ErasedFile, Erasure
from webapp.models.exam import Exam
from webapp.models.factor import Passkey, Step
from webapp.models.image import Image
from webapp.models.invitation import Invitation
from webapp.models.job import JOB_STATES, Job, Worker
from webapp.models.likeness import ImagePrint, NearCopy, PrintKey
from webapp.models.network import NetworkSwitch, Reanalysis
from webapp.models.outcome import METHODS, RESULTS, Outcome
from webapp.models.patient import Patient
from webapp.models.read import BIRADS, Read
from webapp.models.session import UserSession
from webapp.models.teaching import (
    KNOWN_BY,
    TRUTHS,
    Edges,
    HandCount,
    Presentation,
    TeachingCase,
    TeachingEntry,
    TeachingList,
)
from webapp.models.user import ROLES, Group, Role, User
from webapp.models.word import WORD_LENGTH, ExamWord

__all__ = [
    "ACTIONS",
    "BIRADS",
    "ERASED_BY",
    "GENESIS",
    "JOB_STATES",
    "KNOWN_BY",
    "METHODS",
    "RESULTS",
    "ROLES",
    "TRUTHS",
    "WORD_LENGTH",
    "Analysis",
    "AuditEntry",
    "AuditHead",
    "AuditReview",
    "Base",
    "Edges",
    "ErasedFile",
    "Erasure",
    "Exam",
    "ExamWord",
    "Group",
    "HandCount",
    "Image",
    "ImagePrint",
    "Invitation",
    "Job",
    "NearCopy",
    "NetworkSwitch",
    "Outcome",
    "Passkey",
    "Patient",
    "Presentation",
    "PrintKey",
    "Read",
    "Reanalysis",
    "Role",
    "Step",
    "TeachingCase",
    "TeachingEntry",
    "TeachingList",
    "UTCDateTime",
    "User",
    "UserSession",
    "Worker",
    "new_uid",
    "now",
]

"""Every message of the system, a module for each group of actors; importing this package declares them all.

Commands are imperative (`CallTool`), events are in the past (`CatalogueChanged`). A reply is a plain map; the command's
docstring says of which members.
"""

from .approvals import ConfirmHeld, HoldCall, UseApproval
from .calls import CallTool, Complete, GetPrompt, ListCatalogue, Probe, ReadResource, Reenter
from .events import CatalogueChanged, Observed, ResourceUpdated, RulesChanged, SafeModeChanged, TrustChanged
from .form import JSON, Message, decode, message
from .models import Embed, ReadForInjection, ReadModels
from .peers import Ping, Register, Resolve, Subscribe, Unregister
from .reasoning import Compose, Route, RunPlan
from .records import Authenticate, BeginKeyed, EndKeyed, ReadRecords, TakeToken, WriteRecord
from .reports import ReadActivity, ReadStatus, Report, TellDeadLetters

__all__ = [
    "JSON",
    "Authenticate",
    "BeginKeyed",
    "CallTool",
    "CatalogueChanged",
    "Complete",
    "Compose",
    "ConfirmHeld",
    "Embed",
    "EndKeyed",
    "GetPrompt",
    "HoldCall",
    "ListCatalogue",
    "Message",
    "Observed",
    "Ping",
    "Probe",
    "ReadActivity",
    "ReadForInjection",
    "ReadModels",
    "ReadRecords",
    "ReadResource",
    "ReadStatus",
    "Reenter",
    "Register",
    "Report",
    "Resolve",
    "ResourceUpdated",
    "Route",
    "RulesChanged",
    "RunPlan",
    "SafeModeChanged",
    "Subscribe",
    "TakeToken",
    "TellDeadLetters",
    "TrustChanged",
    "Unregister",
    "UseApproval",
    "WriteRecord",
    "decode",
    "message",
]

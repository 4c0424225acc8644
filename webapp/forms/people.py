"""The forms of people and invitations. What is wrong with a value the services say, every problem at once."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, SelectMultipleField, StringField

from webapp.forms.choices import choices, named
from webapp.models import ROLES
from webapp.services.invitations import Wanted
from webapp.services.people import PeopleFilters

ROLE_WORDS = {
    "radiologist": "Radiologist: the cases of the group",
    "tutor": "Tutor: teaching cases and own ones",
    "admin": "Admin: people and logs",
}
STATE_WORDS = {"active": "May sign in", "locked": "Locked"}


class PlaceForm(FlaskForm):
    """Group and roles of a person. A role that there is none of is left for the service to refuse."""

    group = StringField("Group")
    roles = SelectMultipleField("Roles", choices=named(ROLE_WORDS), validate_choice=False)

    def chosen(self) -> tuple[str, ...]:
        """The roles that are ticked."""
        return tuple(self.roles.data or ())


class InviteForm(PlaceForm):
    """Who is invited."""

    email = StringField("E-mail address")

    def wanted(self) -> Wanted:
        """What the form says, as one value."""
        return Wanted(self.email.data or "", self.group.data or "", self.chosen())


class AcceptForm(FlaskForm):
    """What the invited person sets."""

    name = StringField("Your name, as others see it")
    password = PasswordField("Password")


class PeopleFilterForm(FlaskForm):
    """The filters of the list, as the address holds them."""

    class Meta:
        csrf = False

    q = StringField("Search")
    role = SelectField("Role", choices=choices("Any", {name: name.capitalize() for name in ROLES}))
    state = SelectField("State", choices=choices("Any", STATE_WORDS))

    def filters(self) -> PeopleFilters:
        """The filters that are valid; the others are left out."""
        self.validate()
        valid = {
            name: "" if field.errors else (field.data or "").strip() for name, field in self._fields.items()
        }
        return PeopleFilters(valid["q"], valid["role"], valid["state"])

"""The asking organisation: its name, what it requires of its people, and its quotas."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from unmask.service.api.access import Admin, Guarded, service_of
from unmask.service.domain import quotas
from unmask.service.people import second_factor
from unmask.service.people.actor import Actor
from unmask.service.store.tables import Tenant

router = APIRouter(prefix="/organisation", tags=["accounts"], route_class=Guarded)


class AmountsView(BaseModel):
    """Amounts of an organisation; null for no bound."""

    waiting: Annotated[int | None, Field(description="Checks and takes that are not judged yet.")]
    daily: Annotated[int | None, Field(description="Checks and takes begun in the last 24 hours.")]
    bytes: Annotated[int | None, Field(description="Size of the files that are kept.")]

    @classmethod
    def of(cls, amounts: quotas.Quotas | quotas.Used) -> AmountsView:
        return cls.model_validate(amounts, from_attributes=True)


class OrganisationView(BaseModel):
    """An organisation, and whether its people need a second factor to sign in."""

    name: str
    second_factor: bool
    quotas: Annotated[AmountsView, Field(description="The operator of the service sets them.")]
    used: Annotated[AmountsView, Field(description="With uploads under way.")]


class OrganisationChange(BaseModel):
    second_factor: bool


@router.get("")
def show_organisation(request: Request, actor: Admin) -> OrganisationView:
    """Show the organisation."""
    with service_of(request).database.reading() as session:
        return view(session, actor)


@router.patch("")
def change_organisation(
    request: Request, actor: Admin, form: OrganisationChange
) -> OrganisationView:
    """Require a second factor of all people, or not. Only a person who has one can."""
    with service_of(request).database.transaction() as session:
        second_factor.require(session, actor, form.second_factor)
        return view(session, actor)


def view(session: Session, actor: Actor) -> OrganisationView:
    """Returns what is shown of the actor's organisation."""
    tenant = session.get_one(Tenant, actor.tenant)
    return OrganisationView(
        name=tenant.name,
        second_factor=tenant.second_factor,
        quotas=AmountsView.of(quotas.allowed(session, tenant.id)),
        used=AmountsView.of(quotas.used(session, tenant.id)),
    )

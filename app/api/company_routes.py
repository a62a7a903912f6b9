"""A user's companies over HTTP."""

from types import SimpleNamespace
from typing import Any

from flask import Response, url_for

from app.api.auth.current_user import authenticate, current_user_id
from app.api.http.blueprint import ApiBlueprint
from app.api.http.large_json import large_json
from app.api.http.openapi import header
from app.api.http.problems import problem
from app.config.settings import MAX_IMPORT_BYTES
from app.schemas.companies import (
    AddedCompanySchema,
    ChangesSchema,
    CompaniesSchema,
    CompanySchema,
    ExportedCompanySchema,
    ExportSchema,
    ImportResultSchema,
    ImportSchema,
    NewCompanySchema,
)
from app.schemas.problems import CompanyChangedProblemSchema, CompanyExistsProblemSchema
from app.services.companies import companies, same_boards
from app.services.companies.errors import CompanyChanged

blueprint = ApiBlueprint(
    "companies",
    __name__,
    guards=[authenticate],
    url_prefix="/api/ingestion/companies",
    description="The companies that a user has chosen.",
)

NO_SUCH_COMPANY = "There is no such company of this user."
NOT_ADDED = "The user has this board already, or has 1,000 companies (`too_many_companies`)."
LOCATION = header("Location", "The URL of the new company.")
ATTACHMENT = header("Content-Disposition", "The file's name.")


@blueprint.get("")
@blueprint.response(200, CompaniesSchema, description="The companies in order of their names.")
@blueprint.large_response
def list_companies() -> Any:
    """List the user's companies"""
    return large_json({}, "companies", companies.list_for_user(current_user_id()), CompanySchema().dump)


@blueprint.post("")
@blueprint.arguments(NewCompanySchema)
@blueprint.response(201, AddedCompanySchema, description="The company was added.", headers=LOCATION)
@blueprint.problem(409, NOT_ADDED, CompanyExistsProblemSchema)
def add_company(body: dict[str, Any]) -> Any:
    """Add a company"""
    company = companies.add(current_user_id(), body)
    same_as = same_boards.find_stored(current_user_id(), company.source, company.board)
    location = url_for(".show_company", company_id=company.company_id)
    return SimpleNamespace(**company._asdict(), same_as=same_as), 201, {"Location": location}


@blueprint.get("/<company_id:company_id>")
@blueprint.response(200, CompanySchema, description="The company.")
@blueprint.problem(404, NO_SUCH_COMPANY)
def show_company(company_id: int) -> Any:
    """Get a company"""
    return companies.get(company_id, current_user_id())


@blueprint.patch("/<company_id:company_id>")
@blueprint.arguments(ChangesSchema, required=False)
@blueprint.response(200, CompanySchema, description="The company after the change.")
@blueprint.problem(404, NO_SUCH_COMPANY)
@blueprint.problem(409, "The company was changed since `updated_at` (`company_changed`).", CompanyChangedProblemSchema)
def change_company(body: dict[str, Any], company_id: int) -> Any:
    """Change a company's name or filters, or switch it on or off"""
    expected_updated_at = body.pop("updated_at", None)
    return companies.change(company_id, current_user_id(), body, expected_updated_at)


@blueprint.delete("/<company_id:company_id>")
@blueprint.response(204, description="The company was removed.")
@blueprint.problem(404, NO_SUCH_COMPANY)
def remove_company(company_id: int) -> None:
    """Remove a company"""
    companies.remove(company_id, current_user_id())


@blueprint.post("/import")
@blueprint.large_body(MAX_IMPORT_BYTES)
@blueprint.arguments(ImportSchema)
@blueprint.response(200, ImportResultSchema, description="All companies were imported; none was removed.")
@blueprint.problem(409, "There would be more than 1,000 companies (`too_many_companies`).")
def import_companies(entries: list[bytes]) -> Any:
    """Add or change many companies, all or none"""
    return companies.merge(current_user_id(), entries)


@blueprint.get("/export")
@blueprint.response(200, ExportSchema, description="The companies, as an import accepts them.", headers=ATTACHMENT)
@blueprint.large_response
def export_companies() -> Any:
    """Export the user's companies as a file"""
    response = large_json({}, "companies", companies.list_for_user(current_user_id()), ExportedCompanySchema().dump)
    response.headers["Content-Disposition"] = "attachment; filename=companies.json"
    return response


@blueprint.errorhandler(CompanyChanged)
def _company_changed(error: CompanyChanged) -> Response:
    return problem(error.status, error.code, error.detail, company=CompanySchema().dump(error.company))

"""A user's companies over HTTP: load, call, dump."""

from typing import Any

from flask import Response, json, url_for

from app.api.auth.current_user import current_user_id, identify_user
from app.api.http.openapi import BAD_BODY, BAD_JSON, SIGNED_IN, ApiBlueprint, Problems
from app.api.http.problems import problem
from app.schemas.companies import (
    ChangesSchema,
    CompaniesSchema,
    CompanySchema,
    ExportSchema,
    ImportResultSchema,
    ImportSchema,
    NewCompanySchema,
)
from app.schemas.problems import CompanyChangedProblemSchema, CompanyExistsProblemSchema, ProblemSchema
from app.services.companies import companies
from app.services.companies.errors import CompanyChanged

blueprint = ApiBlueprint(
    "companies",
    __name__,
    guards=[identify_user],
    url_prefix="/api/ingestion/companies",
    description="The companies that a user has chosen.",
)

NO_SUCH_COMPANY: Problems = {404: ("There is no such company of this user.", ProblemSchema)}
TOO_MANY: Problems = {409: ("There would be more than 1,000 companies.", ProblemSchema)}
NOT_ADDED: Problems = {
    409: ("The user has this board already, or has 1,000 companies (`too_many_companies`).", CompanyExistsProblemSchema)
}
LARGE_BODY: Problems = {
    413: ("The body is larger than 16 MiB.", ProblemSchema),
    429: ("Two large bodies of this user are on their way already (`too_many_uploads`).", ProblemSchema),
}
CHANGED: Problems = {409: ("It was changed since `updated_at` (`company_changed`).", CompanyChangedProblemSchema)}
LOCATION = {"Location": {"description": "The address of the new company.", "schema": {"type": "string"}}}
ATTACHMENT = {"Content-Disposition": {"description": "The file's name.", "schema": {"type": "string"}}}


@blueprint.get("")
@blueprint.response(200, CompaniesSchema, description="By name.")
@blueprint.problems(SIGNED_IN)
def list_companies() -> Any:
    """List one's companies"""
    return {"companies": companies.list_for_user(current_user_id())}


@blueprint.post("")
@blueprint.arguments(NewCompanySchema)
@blueprint.response(201, CompanySchema, description="It is added.", headers=LOCATION)
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_JSON, NOT_ADDED)
def add_company(given: dict[str, Any]) -> Any:
    """Add a company"""
    company = companies.add(current_user_id(), given)
    return company, 201, {"Location": url_for(".show_company", company_id=company.company_id)}


@blueprint.get("/<company_id:company_id>")
@blueprint.response(200, CompanySchema, description="The company.")
@blueprint.problems(SIGNED_IN, NO_SUCH_COMPANY)
def show_company(company_id: int) -> Any:
    """Look at a company"""
    return companies.get(company_id, current_user_id())


@blueprint.patch("/<company_id:company_id>")
@blueprint.arguments(ChangesSchema, required=False)
@blueprint.response(200, CompanySchema, description="The company as it is now.")
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_JSON, NO_SUCH_COMPANY, CHANGED)
def change_company(changes: dict[str, Any], company_id: int) -> Any:
    """Change a company's name or filters, or switch it on or off"""
    expected_updated_at = changes.pop("updated_at", None)
    return companies.change(company_id, current_user_id(), changes, expected_updated_at)


@blueprint.delete("/<company_id:company_id>")
@blueprint.response(204, description="It is removed.")
@blueprint.problems(SIGNED_IN, BAD_BODY, NO_SUCH_COMPANY)
def remove_company(company_id: int) -> None:
    """Remove a company"""
    companies.remove(company_id, current_user_id())


@blueprint.post("/import")
@blueprint.arguments(ImportSchema)
@blueprint.response(200, ImportResultSchema, description="All of it is done; no company was removed.")
@blueprint.problems(SIGNED_IN, BAD_BODY, BAD_JSON, TOO_MANY, LARGE_BODY)
def import_companies(given: dict[str, Any]) -> Any:
    """Add or change many companies, all or none"""
    return companies.merge(current_user_id(), given["companies"])


@blueprint.get("/export")
@blueprint.response(200, ExportSchema, description="What an import takes.", headers=ATTACHMENT)
@blueprint.problems(SIGNED_IN)
def export_companies() -> Any:
    """Save one's companies as a file"""
    mine = ExportSchema().dump({"companies": companies.list_for_user(current_user_id())})
    # Not escaped: what is written in other scripts would be twice as long, and longer than an import may be.
    answer = Response(f"{json.dumps(mine, ensure_ascii=False)}\n", mimetype="application/json")
    answer.headers["Content-Disposition"] = "attachment; filename=companies.json"
    return answer


@blueprint.errorhandler(CompanyChanged)
def _changed(error: CompanyChanged) -> Response:
    return problem(error.status, error.code, error.detail, company=CompanySchema().dump(error.company))

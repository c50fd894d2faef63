"""The HTTPS API that people and programs use; the command line uses nothing else.

api       the routes, and the Starlette application they make
auth      who is calling: bearer credentials, before anything else is looked at
bodies    what is sent and answered, as pydantic models
answers   refusals and faults as JSON, with the right status
sessions  sessions of the record, as the API gives them
openapi   the OpenAPI document of the routes
"""

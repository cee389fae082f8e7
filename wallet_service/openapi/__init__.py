"""The OpenAPI document of all that is served as JSON: both wire versions, the operator's API, health."""

//! What machines and people may read about us: the API as OpenAPI 3.1, the topics as AsyncAPI 3. Both are made from the
//! code's own types, constants and routes.

pub mod asyncapi;
pub mod openapi;
mod schemas;

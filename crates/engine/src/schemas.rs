//! What the types that read and write JSON by hand look like; the others derive it.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::history::{FIRST_MS, LAST_MS};
use crate::{EpochMs, RuleSet, Rules, RulesPreset};

impl PartialSchema for EpochMs {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::Custom("date-time".to_owned())))
            .description(Some("ISO 8601 with a zone; how it is always written"));
        let number = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Number))
            .minimum(Some(FIRST_MS))
            .maximum(Some(LAST_MS))
            .description(Some("Milliseconds since 1970-01-01T00:00:00Z"));
        OneOfBuilder::new().item(text).item(number).description(Some("A moment")).into()
    }
}

impl ToSchema for EpochMs {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }
}

impl PartialSchema for Rules {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(RulesPreset::schema())
            .item(utoipa::openapi::Ref::from_schema_name(RuleSet::name()))
            .description(Some("The platform's rules by name, or rules spelled out"))
            .into()
    }
}

impl ToSchema for Rules {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((RuleSet::name().into_owned(), RuleSet::schema()));
        RuleSet::schemas(schemas);
    }
}

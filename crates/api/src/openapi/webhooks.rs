//! The `webhooks` of the document: what endpoints receive, for each kind of subject.

use std::borrow::Cow;

use model::WEBHOOK_ENDPOINT_TEST;
use store::event_bodies::{
    BotEvent, PoolEvent, RealtimeEndpointEvent, SentAccountEvent, ServerEvent, TokenLinkEvent,
    WebhookEndpointEvent,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, ObjectBuilder, OneOfBuilder, PathItem, Paths, PathsBuilder, Ref, RefOr,
        Required, ResponseBuilder, Schema, SecurityRequirement, Type,
        path::{OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
    },
};

/// Named schemas of the document.
type Schemas = Vec<(String, RefOr<Schema>)>;

const HEADERS: [(&str, &str); 3] = [
    ("webhook-id", "The event's id: the same at every attempt, so that a receiver can detect duplicates."),
    ("webhook-timestamp", "The time of this attempt, in seconds since 1970."),
    (
        "webhook-signature",
        "`v1,` and the signature of id, time and body in base64; several are separated by spaces.",
    ),
];

/// Events whose bodies have the same shape.
struct Subject {
    name: &'static str,
    about: &'static str,
    /// The prefixes of their types.
    prefixes: &'static [&'static str],
    /// The name and the schema of their data.
    data: fn(&mut Schemas) -> Ref,
}

const SUBJECTS: [Subject; 7] = [
    Subject {
        name: "Bot",
        about: "Something happened to a bot",
        prefixes: &["bot."],
        data: schema_of::<BotEvent<'_>>,
    },
    Subject {
        name: "Account",
        about: "An account's state changed",
        prefixes: &["zoom_oauth_credential."],
        data: schema_of::<SentAccountEvent>,
    },
    Subject {
        name: "Pool",
        about: "A pool is quota_exceeded, or close to it",
        prefixes: &["pool."],
        data: schema_of::<PoolEvent<'_>>,
    },
    Subject {
        name: "TokenLink",
        about: "A token link gave no token",
        prefixes: &["token_link."],
        data: schema_of::<TokenLinkEvent<'_>>,
    },
    Subject {
        name: "RealtimeEndpoint",
        about: "The state of a bot's real-time endpoint changed",
        prefixes: &["realtime_endpoint."],
        data: schema_of::<RealtimeEndpointEvent<'_>>,
    },
    Subject {
        name: "WebhookEndpoint",
        about: "An endpoint is being tested, or was switched off",
        prefixes: &["webhook_endpoint."],
        data: schema_of::<WebhookEndpointEvent<'_>>,
    },
    Subject {
        name: "Server",
        about: "A server found a problem of its own",
        prefixes: &["audit.", "clock."],
        data: schema_of::<ServerEvent<'_>>,
    },
];

impl Subject {
    fn body_name(&self) -> String {
        format!("{}EventBody", self.name)
    }

    fn types(&self) -> Vec<String> {
        let mut types = ::webhooks::event_types();
        types.push(WEBHOOK_ENDPOINT_TEST.to_owned());
        types.retain(|kind| self.prefixes.iter().any(|prefix| kind.starts_with(prefix)));
        types
    }

    fn body(&self, schemas: &mut Schemas) -> RefOr<Schema> {
        let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(self.types()));
        ObjectBuilder::new()
            .description(Some(format!("{}.", self.about)))
            .property("event", kind)
            .required("event")
            .property("data", (self.data)(schemas))
            .required("data")
            .into()
    }

    fn item(&self) -> PathItem {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(self.body_name()))).build();
        let body =
            RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
        let mut operation = OperationBuilder::new()
            .operation_id(Some(format!("event_of_{}", self.name)))
            .tag("events")
            .summary(Some(self.about))
            .request_body(Some(body.build()))
            .securities(Some(Vec::<SecurityRequirement>::new()))
            .response(
                "2XX",
                ResponseBuilder::new().description("Received. The body of the answer is ignored.").build(),
            )
            .response(
                "default",
                ResponseBuilder::new()
                    .description(
                        "Not received: it is sent again, as it is when there is no answer within 15 s.",
                    )
                    .build(),
            );
        for (name, about) in HEADERS {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            let header = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Header)
                .required(Required::True)
                .description(Some(about))
                .schema(Some(text));
            operation = operation.parameter(header.build());
        }
        PathItem::new(HttpMethod::Post, operation.build())
    }
}

fn schema_of<D: ToSchema>(schemas: &mut Schemas) -> Ref {
    D::schemas(schemas);
    schemas.push((D::name().into_owned(), D::schema()));
    Ref::from_schema_name(D::name())
}

/// One of the event bodies.
pub(crate) struct EventBody;

impl PartialSchema for EventBody {
    fn schema() -> RefOr<Schema> {
        let one_of = SUBJECTS.iter().fold(OneOfBuilder::new(), |bodies, subject| {
            bodies.item(Ref::from_schema_name(subject.body_name()))
        });
        one_of.into()
    }
}

impl ToSchema for EventBody {
    fn name() -> Cow<'static, str> {
        "EventBody".into()
    }

    fn schemas(schemas: &mut Schemas) {
        for subject in &SUBJECTS {
            let body = subject.body(schemas);
            schemas.push((subject.body_name(), body));
        }
    }
}

/// The events that endpoints receive.
pub(super) fn webhooks() -> Paths {
    SUBJECTS
        .iter()
        .fold(PathsBuilder::new(), |paths, subject| paths.path(subject.name, subject.item()))
        .build()
}

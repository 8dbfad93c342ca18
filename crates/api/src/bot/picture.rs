//! Pictures in requests: `automatic_video_output`, and the body of `output_video`.

use bots::{GivenPicture, MAX_BASE64_LEN};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};

use crate::{
    fields::Fields,
    request::{Field, Request as _, Schemas, nested, refer, reference, request, string},
};

/// A JPEG with one pixel, for examples.
pub(super) const SMALLEST: &str = include_str!("smallest.jpeg.base64");

request! {
    /// A picture.
    open struct VideoOutput {
        /// `jpeg`. Also `png` and `webp`, which are converted to JPEG.
        kind: Kind,
        /// Base64 of the standard alphabet, with padding and without a `data:` prefix. 16:9 fills the tile; 1280×720 is
        /// enough.
        b64_data: Data,
    }
}

nested! { VideoOutput }

impl VideoOutput {
    pub(super) fn picture(self) -> GivenPicture {
        self.b64_data.0
    }

    /// Without the image data, which is never returned.
    fn echo(&self) -> Value {
        let Kind = self.kind;
        match self.b64_data.0.converted_from() {
            None => json!({ "kind": "jpeg" }),
            Some(from) => json!({ "kind": "jpeg", "converted_from": from }),
        }
    }
}

/// The contract's only value. The real type is detected from the picture itself.
struct Kind;

impl Field for Kind {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let kind = fields.text(name, 50)?;
        if !["jpeg", "png", "webp"].contains(&kind) {
            fields.complain(name, format!("\"{kind}\" is not a valid choice: give jpeg."));
            return None;
        }
        Some(Self)
    }

    fn schema() -> RefOr<Schema> {
        string(50).enum_values(Some(["jpeg", "png", "webp"])).into()
    }
}

struct Data(GivenPicture);

impl Field for Data {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        // Not read as text of a limited length: that would count the characters of a megabyte twice.
        let Some(text) = fields.anything(name)?.as_str() else {
            fields.complain(name, "It must be text.");
            return None;
        };
        match GivenPicture::read(text) {
            Ok(picture) => Some(Self(picture)),
            Err(wrong) => {
                fields.complain(name, wrong.to_string());
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        string(MAX_BASE64_LEN).write_only(true).into()
    }
}

request! {
    /// What the bot shows as its camera.
    open struct AutomaticVideoOutputs {
        /// While it records. Bots do not record here: this one is shown if the other one is not given.
        in_call_recording: Option<VideoOutput>,
        /// While it is in the call.
        in_call_not_recording: Option<VideoOutput>,
    }
}

/// `automatic_video_output`.
pub(super) struct AutomaticVideoOutput {
    pub(super) picture: Option<GivenPicture>,
    pub(super) echo: Map<String, Value>,
}

impl Field for AutomaticVideoOutput {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let given = fields.object(name, AutomaticVideoOutputs::read).flatten()?;
        let named = [
            ("in_call_recording", given.in_call_recording),
            ("in_call_not_recording", given.in_call_not_recording),
        ];
        let mut echo = Map::new();
        // If several are given, the last one is shown.
        let mut picture = None;
        for (name, output) in named.into_iter().filter_map(|(name, output)| Some((name, output?))) {
            echo.insert(name.to_owned(), output.echo());
            picture = Some(output.picture());
        }
        Some(Self { picture, echo })
    }

    fn schema() -> RefOr<Schema> {
        reference::<AutomaticVideoOutputs>()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<AutomaticVideoOutputs>(schemas);
    }
}

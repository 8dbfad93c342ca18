//! Options of Recall's providers of transcripts. Their providers do not run here, so an option is checked for its type alone:
//! the words that a provider knows change with it.

use super::rule::{Member, Rule, honoured, required};

/// Zoom's captions have no options.
pub(super) const MEETING_CAPTIONS: &[Member] = &[];

const fn flag(name: &'static str) -> Member {
    honoured(name, Rule::Flag)
}

const fn text(name: &'static str) -> Member {
    honoured(name, Rule::Text)
}

const fn number(name: &'static str) -> Member {
    honoured(name, Rule::Number)
}

const fn object(name: &'static str) -> Member {
    honoured(name, Rule::AnyObject)
}

const fn list(name: &'static str) -> Member {
    honoured(name, Rule::List)
}

pub(super) const RECALLAI: &[Member] =
    &[text("language_code"), list("spelling"), list("key_terms"), flag("filter_profanity"), text("mode")];

pub(super) const ASSEMBLY_AI_ASYNC: &[Member] = &[
    text("language_code"),
    flag("language_detection"),
    number("language_confidence_threshold"),
    text("speech_model"),
    flag("punctuate"),
    flag("format_text"),
    flag("disfluencies"),
    flag("multichannel"),
    flag("dual_channel"),
    flag("auto_highlights"),
    number("audio_start_from"),
    number("audio_end_at"),
    list("word_boost"),
    text("boost_param"),
    flag("filter_profanity"),
    flag("redact_pii"),
    flag("redact_pii_audio"),
    text("redact_pii_audio_quality"),
    list("redact_pii_policies"),
    text("redact_pii_sub"),
    flag("speaker_labels"),
    number("speakers_expected"),
    flag("content_safety"),
    number("content_safety_confidence"),
    flag("iab_categories"),
    list("custom_spelling"),
    list("keyterms_prompt"),
    text("prompt"),
    flag("sentiment_analysis"),
    flag("auto_chapters"),
    flag("entity_detection"),
    number("speech_threshold"),
    flag("summarization"),
    text("summary_model"),
    text("summary_type"),
    flag("custom_topics"),
    list("topics"),
];

pub(super) const ASSEMBLY_AI_STREAMING: &[Member] = &[flag("format_turns")];

pub(super) const AWS: &[Member] = &[
    text("language_code"),
    text("vocabulary_filter_method"),
    text("vocabulary_filter_name"),
    text("vocabulary_name"),
    text("region"),
    flag("enable_partial_results_stabilization"),
    text("partial_results_stability"),
    text("content_identification_type"),
    text("content_redaction_type"),
    text("pii_entity_types"),
    text("language_model_name"),
    flag("identify_language"),
    text("language_options"),
    text("preferred_language"),
    text("vocabulary_names"),
    text("vocabulary_filter_names"),
];

pub(super) const GLADIA: &[Member] = &[
    object("custom_metadata"),
    text("model"),
    number("endpointing"),
    number("maximum_duration_without_endpointing"),
    object("language_config"),
    object("pre_processing"),
    object("realtime_processing"),
    object("post_processing"),
    object("messages_config"),
    flag("callback"),
    object("callback_config"),
];

pub(super) const REV: &[Member] = &[
    flag("obscure_expletives"),
    text("delete_after"),
    number("transcriber"),
    text("language"),
    text("metadata"),
    flag("filter_profanity"),
    flag("remove_disfluencies"),
    flag("detailed_partials"),
    text("custom_vocabulary_id"),
    number("delete_after_seconds"),
    number("max_segment_duration_seconds"),
    number("max_connection_wait_seconds"),
    flag("allow_interruption"),
    flag("enable_speaker_switch"),
    text("start_ts"),
    flag("skip_postprocessing"),
    number("priority"),
    text("user_agent"),
];

pub(super) const SPEECHMATICS: &[Member] = &[
    required(text("language")),
    text("domain"),
    text("output_locale"),
    list("additional_vocab"),
    text("diarization"),
    number("max_delay"),
    text("max_delay_mode"),
    object("speaker_diarization_config"),
    object("audio_filtering_config"),
    object("transcript_filtering_config"),
    flag("enable_partials"),
    flag("enable_entities"),
    text("operating_point"),
    object("punctuation_overrides"),
    object("conversation_config"),
];

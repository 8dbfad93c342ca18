//! Options of Recall's transcription providers. The providers do not run here: an option is checked by the contract's
//! schema, and has no effect.

use super::rule::{Member, Rule, honoured, required};
use crate::fields::Fields;

/// Zoom's captions have no options.
pub(super) const MEETING_CAPTIONS: &[Member] = &[];

const fn flag(name: &'static str) -> Member {
    honoured(name, Rule::Flag)
}

const fn text(name: &'static str) -> Member {
    honoured(name, Rule::Text)
}

const fn texts(name: &'static str) -> Member {
    honoured(name, Rule::Texts)
}

const fn word(name: &'static str, words: &'static [&'static str]) -> Member {
    honoured(name, Rule::Word(words))
}

const fn words(name: &'static str, known: &'static [&'static str]) -> Member {
    honoured(name, Rule::Words(known))
}

const fn choice(name: &'static str, words: &'static [&'static str]) -> Member {
    honoured(name, Rule::Choice(words))
}

const fn between(name: &'static str, least: f64, most: f64) -> Member {
    honoured(name, Rule::Between(least, most))
}

const fn whole(name: &'static str, least: u32, most: u32) -> Member {
    honoured(name, Rule::WholeBetween(least, most))
}

const fn object(name: &'static str, table: &'static [Member]) -> Member {
    honoured(name, Rule::Object(table))
}

const fn every(name: &'static str, table: &'static [Member]) -> Member {
    honoured(name, Rule::Every(table))
}

const fn anything(name: &'static str) -> Member {
    honoured(name, Rule::Anything)
}

const MAX_NUMBER: u32 = i32::MAX.unsigned_abs();

#[rustfmt::skip]
pub(super) const RECALLAI: &[Member] = &[
    word("language_code", &[
        "auto", "bg", "ca", "cs", "da", "de", "el", "en", "en_au", "en_uk", "en_us", "es", "et", "fi", "fr", "hi",
        "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sv", "th",
        "tr", "uk", "vi", "zh",
    ]),
    every("spelling", &[required(texts("find")), required(text("replace"))]),
    texts("key_terms"),
    flag("filter_profanity"),
    word("mode", &["prioritize_low_latency", "prioritize_accuracy"]),
];

#[rustfmt::skip]
pub(super) const ASSEMBLY_AI_ASYNC: &[Member] = &[
    // Words that AssemblyAI defines, or any other.
    text("language_code"),
    flag("language_detection"),
    between("language_confidence_threshold", 0.0, 1.0),
    text("speech_model"),
    flag("punctuate"),
    flag("format_text"),
    flag("disfluencies"),
    flag("multichannel"),
    flag("dual_channel"),
    flag("auto_highlights"),
    whole("audio_start_from", 0, MAX_NUMBER),
    whole("audio_end_at", 0, MAX_NUMBER),
    texts("word_boost"),
    word("boost_param", &["low", "default", "high"]),
    flag("filter_profanity"),
    flag("redact_pii"),
    flag("redact_pii_audio"),
    word("redact_pii_audio_quality", &["mp3", "wav"]),
    words("redact_pii_policies", &[
        "account_number", "banking_information", "blood_type", "credit_card_cvv", "credit_card_expiration",
        "credit_card_number", "date", "date_interval", "date_of_birth", "drivers_license", "drug", "duration",
        "email_address", "event", "filename", "gender_sexuality", "healthcare_number", "injury", "ip_address",
        "language", "location", "marital_status", "medical_condition", "medical_process", "money_amount",
        "nationality", "number_sequence", "occupation", "organization", "passport_number", "password",
        "person_age", "person_name", "phone_number", "physical_attribute", "political_affiliation", "religion",
        "statistics", "time", "url", "us_social_security_number", "username", "vehicle_id", "zodiac_sign",
    ]),
    text("redact_pii_sub"),
    flag("speaker_labels"),
    whole("speakers_expected", 0, MAX_NUMBER),
    flag("content_safety"),
    whole("content_safety_confidence", 25, 100),
    flag("iab_categories"),
    every("custom_spelling", &[required(texts("from")), required(text("to"))]),
    texts("keyterms_prompt"),
    text("prompt"),
    flag("sentiment_analysis"),
    flag("auto_chapters"),
    flag("entity_detection"),
    between("speech_threshold", 0.0, 1.0),
    flag("summarization"),
    word("summary_model", &["informative", "conversational", "catchy"]),
    word("summary_type", &["bullets", "bullets_verbose", "gist", "headline", "paragraph"]),
    flag("custom_topics"),
    texts("topics"),
];

/// The contract gives no type for three of them.
pub(super) const ASSEMBLY_AI_STREAMING: &[Member] = &[
    flag("format_turns"),
    anything("end_of_turn_confidence_threshold"),
    anything("min_end_of_turn_silence_when_confident"),
    anything("max_turn_silence"),
];

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

/// One language, or several from which AWS detects the right one.
pub(super) fn language_of_aws(fields: &mut Fields<'_>) {
    if fields.anything("identify_language").is_some() {
        let options = fields.anything("language_options");
        fields.required("language_options", options);
    } else {
        let language = fields.anything("language_code");
        fields.required("language_code", language);
    }
}

const YES_NO: &[&str] = &["true", "false"];

/// Where the contract has no description of an option, it has no type either.
#[rustfmt::skip]
pub(super) const DEEPGRAM: &[Member] = &[
    choice("diarize", YES_NO),
    choice("dictation", YES_NO),
    anything("endpointing"),
    anything("extra"),
    choice("filler_words", YES_NO),
    choice("interim_results", YES_NO),
    anything("keyterm"),
    anything("keywords"),
    choice("language", &[
        "bg", "ca", "cs", "da", "da-DK", "de", "de-CH", "el", "en", "en-AU", "en-GB", "en-IN", "en-NZ", "en-US",
        "es", "es-419", "es-LATAM", "et", "fi", "fr", "fr-CA", "hi", "hi-Latn", "hu", "id", "it", "ja", "ko",
        "ko-KR", "lt", "lv", "ms", "multi", "nl", "nl-BE", "no", "pl", "pt", "pt-BR", "pt-PT", "ro", "ru", "sk",
        "sv", "sv-SE", "taq", "th", "th-TH", "tr", "uk", "vi", "zh", "zh-CN", "zh-HK", "zh-Hans", "zh-Hant",
        "zh-TW",
    ]),
    anything("mip_opt_out"),
    choice("model", &[
        "nova-3", "nova-3-general", "nova-3-medical", "nova-2", "nova-2-general", "nova-2-meeting",
        "nova-2-finance", "nova-2-conversationalai", "nova-2-voicemail", "nova-2-video", "nova-2-medical",
        "nova-2-drivethru", "nova-2-automotive", "nova", "nova-general", "nova-phonecall", "nova-medical",
        "enhanced", "enhanced-general", "enhanced-meeting", "enhanced-phonecall", "enhanced-finance", "base",
        "meeting", "phonecall", "finance", "conversationalai", "voicemail", "video", "custom",
    ]),
    choice("multichannel", YES_NO),
    choice("numerals", YES_NO),
    choice("profanity_filter", YES_NO),
    choice("punctuate", YES_NO),
    choice("redact", &["true", "false", "pci", "numbers", "aggressive_numbers", "ssn"]),
    anything("replace"),
    anything("search"),
    choice("smart_format", YES_NO),
    anything("tag"),
    anything("utterance_end_ms"),
    choice("vad_events", YES_NO),
    anything("version"),
];

#[rustfmt::skip]
pub(super) const GLADIA: &[Member] = &[
    honoured("custom_metadata", Rule::AnyObject),
    word("model", &["solaria-1"]),
    between("endpointing", 0.01, 10.0),
    between("maximum_duration_without_endpointing", 5.0, 60.0),
    object("language_config", &[
        words("languages", &[
            "af", "sq", "am", "ar", "hy", "as", "az", "ba", "eu", "be", "bn", "bs", "br", "bg", "ca", "zh", "hr",
            "cs", "da", "nl", "en", "et", "fo", "fi", "fr", "gl", "ka", "de", "el", "gu", "ht", "ha", "haw", "he",
            "hi", "hu", "is", "id", "it", "ja", "jv", "kn", "kk", "km", "ko", "lo", "la", "lv", "ln", "lt", "lb",
            "mk", "mg", "ms", "ml", "mt", "mi", "mr", "mn", "mymr", "ne", "no", "nn", "oc", "ps", "fa", "pl",
            "pt", "pa", "ro", "ru", "sa", "sr", "sn", "sd", "si", "sk", "sl", "so", "es", "su", "sw", "sv", "tl",
            "tg", "ta", "tt", "te", "th", "bo", "tr", "tk", "uk", "ur", "uz", "vi", "cy", "yi", "yo", "jp",
        ]),
        flag("code_switching"),
    ]),
    object("pre_processing", &[flag("audio_enhancer"), between("speech_threshold", 0.0, 1.0)]),
    object("realtime_processing", &[
        flag("custom_vocabulary"),
        object("custom_vocabulary_config", &[
            // Texts, or objects with a value.
            required(honoured("vocabulary", Rule::List)),
            between("default_intensity", 0.0, 1.0),
        ]),
        flag("custom_spelling"),
        object("custom_spelling_config", &[required(honoured("spelling_dictionary", Rule::AnyObject))]),
        flag("translation"),
        object("translation_config", &[
            required(words("target_languages", &[
                "af", "sq", "am", "ar", "hy", "as", "ast", "az", "ba", "eu", "be", "bn", "bs", "br", "bg", "my",
                "ca", "ceb", "zh", "hr", "cs", "da", "nl", "en", "et", "fo", "fi", "fr", "fy", "ff", "gd", "gl",
                "lg", "ka", "de", "el", "gu", "ht", "ha", "haw", "he", "hi", "hu", "is", "ig", "ilo", "id", "ga",
                "it", "ja", "jp", "jv", "kn", "kk", "km", "ko", "lo", "la", "lv", "ln", "lt", "lb", "mk", "mg",
                "ms", "ml", "mt", "mi", "mr", "mo", "mn", "mymr", "ne", "no", "nn", "oc", "or", "pa", "ps", "fa",
                "pl", "pt", "ro", "ru", "sa", "sr", "sn", "sd", "si", "sk", "sl", "so", "es", "su", "sw", "ss",
                "sv", "tl", "tg", "ta", "tt", "te", "th", "bo", "tn", "tr", "tk", "uk", "ur", "uz", "vi", "cy",
                "wo", "xh", "yi", "yo", "zu",
            ])),
            word("model", &["base", "enhanced"]),
            flag("match_original_utterances"),
            flag("lipsync"),
            flag("context_adaptation"),
            text("context"),
            flag("informal"),
        ]),
        flag("named_entity_recognition"),
        flag("sentiment_analysis"),
    ]),
    object("post_processing", &[
        flag("summarization"),
        object("summarization_config", &[word("type", &["general", "bullet_points", "concise"])]),
        flag("chapterization"),
    ]),
    object("messages_config", GLADIA_MESSAGES),
    flag("callback"),
    object("callback_config", &[
        honoured("url", Rule::Url(&["http", "https"])),
        flag("receive_final_transcripts"),
        flag("receive_speech_events"),
        flag("receive_pre_processing_events"),
        flag("receive_realtime_processing_events"),
        flag("receive_post_processing_events"),
        flag("receive_acknowledgments"),
        flag("receive_errors"),
        flag("receive_lifecycle_events"),
    ]),
];

const GLADIA_MESSAGES: &[Member] = &[
    flag("receive_final_transcripts"),
    flag("receive_speech_events"),
    flag("receive_pre_processing_events"),
    flag("receive_realtime_processing_events"),
    flag("receive_post_processing_events"),
    flag("receive_acknowledgments"),
    flag("receive_errors"),
    flag("receive_lifecycle_events"),
];

pub(super) const REV: &[Member] = &[
    flag("obscure_expletives"),
    text("delete_after"),
    text("audio_options._content_type"),
    text("audio_options._layout"),
    whole("audio_options._rate", 0, MAX_NUMBER),
    text("audio_options._format"),
    whole("audio_options._channels", 0, MAX_NUMBER),
    whole("transcriber", 0, 1),
    text("language"),
    honoured("metadata", Rule::TextUpTo(512)),
    flag("filter_profanity"),
    flag("remove_disfluencies"),
    flag("detailed_partials"),
    text("custom_vocabulary_id"),
    whole("delete_after_seconds", 0, MAX_NUMBER),
    whole("max_segment_duration_seconds", 5, 30),
    whole("max_connection_wait_seconds", 60, 600),
    flag("allow_interruption"),
    flag("enable_speaker_switch"),
    text("start_ts"),
    flag("skip_postprocessing"),
    whole("priority", 0, 1),
    text("user_agent"),
];

pub(super) const SPEECHMATICS: &[Member] = &[
    required(text("language")),
    text("domain"),
    text("output_locale"),
    // Texts, or objects with a content.
    honoured("additional_vocab", Rule::List),
    word("diarization", &["none", "speaker"]),
    between("max_delay", 0.0, f64::INFINITY),
    word("max_delay_mode", &["flexible", "fixed"]),
    object(
        "speaker_diarization_config",
        &[
            between("max_speakers", 2.0, 100.0),
            flag("prefer_current_speaker"),
            between("speaker_sensitivity", 0.0, 1.0),
        ],
    ),
    object("audio_filtering_config", &[between("volume_threshold", 0.0, 100.0)]),
    object(
        "transcript_filtering_config",
        &[
            flag("remove_disfluencies"),
            every("replacements", &[required(text("from")), required(text("to"))]),
        ],
    ),
    flag("enable_partials"),
    flag("enable_entities"),
    word("operating_point", &["standard", "enhanced"]),
    object("punctuation_overrides", &[texts("permitted_marks"), between("sensitivity", 0.0, 1.0)]),
    object("conversation_config", &[between("end_of_utterance_silence_trigger", 0.0, 2.0)]),
];

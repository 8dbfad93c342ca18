//! Codes of refusals that depend on the request alone. Failures behind the API have a [`model::Code`].

model::error_codes! {
    /// A stable code. Codes are never renamed, so callers may compare them.
    pub(crate) enum RequestCode;

    /// The body cannot be read.
    ParseError = "parse_error", PersonMustAct, "send one JSON object; `detail` says where it goes wrong";
    /// The body is neither JSON nor a form.
    UnsupportedMediaType = "unsupported_media_type", PersonMustAct, "send `Content-Type: application/json`";
    /// The body is larger than the server accepts.
    TooLarge = "too_large", PersonMustAct, "send less: `detail` has the limit";
    /// The body did not arrive in time.
    TooSlow = "too_slow", Retry, "send it again, without a pause";
    /// Path and query are longer than the server accepts.
    AddressTooLong = "address_too_long", PersonMustAct, "shorten the query: `detail` has the limit";
    /// There are more headers, or larger ones, than the server accepts.
    HeadersTooLarge = "headers_too_large", PersonMustAct, "send fewer headers: `detail` has the limits";
    /// The request has no API key.
    NotAuthenticated = "not_authenticated", PersonMustAct, "send `Authorization: Token <key>`";
    /// The API key is unknown, was revoked, or has expired; `detail` says which.
    AuthenticationFailed = "authentication_failed", PersonMustAct, "make a key with `latchkey api-key create`, on the server's machine";
    /// The API key lacks the scope of this call.
    PermissionDenied = "permission_denied", PersonMustAct, "use a key with the scope that `detail` names";
    /// The key, or the workspace at this endpoint, made more calls in one minute than it may.
    Throttled = "throttled", Retry, "try again after the time in Retry-After";
    /// The path does not support this method, or it is too late for this call.
    MethodNotAllowed = "method_not_allowed", PersonMustAct, "use a method that `Allow` names; where it is too late, `detail` says what to do instead";
    /// No server of the installation has a free slot for another bot.
    OutOfAdhocBots = "out_of_adhoc_bots", Retry, "try again after the time in Retry-After, or raise the installation's capacity, as `detail` says";
    /// This server did not issue the token in the address of a picture or a download for it.
    AddressInvalid = "address_invalid", PersonMustAct, "copy the complete address from the list";
    /// The address of a picture or a download has expired.
    AddressExpired = "address_expired", PersonMustAct, "list again for a new address";
    /// The header `Idempotency-Key` is empty, too long, or not visible ASCII.
    IdempotencyKeyInvalid = "idempotency_key_invalid", PersonMustAct, "send a fresh UUID";
    /// The same `Idempotency-Key` was used before with another request.
    IdempotencyKeyReuse = "idempotency_key_reuse", PersonMustAct, "use a new key for each request that differs";
    /// The same request with the same `Idempotency-Key` is still in progress.
    Conflict = "conflict", Retry, "try again: the answer of the first request is stored for an hour";
    /// The bot has ended, so it takes no commands.
    CannotCommandCompletedBot = "cannot_command_completed_bot", PersonMustAct, "create another bot";
    /// The bot is not in a call yet.
    CannotCommandUnstartedBot = "cannot_command_unstarted_bot", Retry, "wait until its status is `in_call_not_recording`; to call it off, DELETE the bot";
    /// The bot is on its way or has ended, or its new `join_at` is too soon.
    UpdateBotFailed = "update_bot_failed", PersonMustAct, "do what `detail` says: mostly, create another bot";
    /// Recall's API has this call, and Latchkey does not.
    NotSupported = "not_supported", PersonMustAct, "leave this call out";
    /// The meeting does not let the bot write this message.
    ChatMessageRefused = "chat_message_refused", PersonMustAct, "do what `detail` says: the host decides who may write to whom";
    /// The bot wrote the message, but Zoom did not confirm that it arrived.
    ChatMessageUnconfirmed = "chat_message_unconfirmed", PersonMustAct, "check in the meeting before you send it again";
    /// The callback secret was replaced a short time ago, and the previous one is still valid.
    CallbackSecretRotating = "callback_secret_rotating", Retry, "replace it again after the time that `detail` names";
    /// The secret of the webhook endpoint was replaced a short time ago, and the previous one is still valid.
    WebhookSecretRotating = "webhook_secret_rotating", Retry, "replace it again after the time that `detail` names";
    /// The time span has more events than can be replayed at once.
    ReplayTooLarge = "replay_too_large", PersonMustAct, "replay shorter spans, one after another";
    /// The workspace has the maximum number of webhook endpoints.
    TooManyWebhookEndpoints = "too_many_webhook_endpoints", PersonMustAct, "delete one that is not used";
    /// The workspace has reached its quota of this kind.
    WorkspaceFull = "workspace_full", PersonMustAct, "delete one that is not used: `detail` has the limit";
    /// A token link draws on this pool, or bots have seats of it.
    PoolInUse = "pool_in_use", PersonMustAct, "revoke the links, and wait until the bots have left or release their seats";
    /// An account was connected with this invitation.
    ConnectLinkUsed = "connect_link_used", PersonMustAct, "disconnect the account instead";
    /// Accounts are connected with this app.
    AppInUse = "app_in_use", PersonMustAct, "delete those accounts first";
    /// Zoom refused the app, the code or the refresh token with which an account was to be connected.
    ZoomOauthError = "zoom_oauth_error", PersonMustAct, "do what `detail` says";
    /// The account gives no token until a person acts: its grant is dead, it was disconnected, or Zoom blocks its user.
    ZoomOauthCredentialUnhealthy = "zoom_oauth_credential_unhealthy", PersonMustAct, "connect the Zoom account again; `latchkey account show` says why";
    /// The app's client secret is wrong, or Zoom disabled the app.
    ZoomOauthAppUnhealthy = "zoom_oauth_app_unhealthy", PersonMustAct, "check that the app is active at Zoom, and PATCH its client_secret here";
}

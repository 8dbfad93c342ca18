//! Codes of refusals that are about the request alone. What fails behind the API has a [`model::Code`].

model::error_codes! {
    /// A stable code. Codes are never renamed; callers may match on them.
    pub(crate) enum RequestCode;

    /// The body cannot be read.
    ParseError = "parse_error", PersonMustAct, "send one JSON object; `detail` says where it goes wrong";
    /// The body is neither JSON nor a form.
    UnsupportedMediaType = "unsupported_media_type", PersonMustAct, "send `Content-Type: application/json`";
    /// The body is larger than the server takes.
    TooLarge = "too_large", PersonMustAct, "send less: `detail` has the limit";
    /// The body did not come in time.
    TooSlow = "too_slow", Retry, "send it again, without a pause";
    /// Path and query are longer than the server takes.
    AddressTooLong = "address_too_long", PersonMustAct, "shorten the query: `detail` has the limit";
    /// The headers are more, or larger, than the server takes.
    HeadersTooLarge = "headers_too_large", PersonMustAct, "send fewer headers: `detail` has the limits";
    /// The request brings no API key.
    NotAuthenticated = "not_authenticated", PersonMustAct, "send `Authorization: Token <key>`";
    /// The API key is unknown, was revoked, or has expired; `detail` says which.
    AuthenticationFailed = "authentication_failed", PersonMustAct, "make a key with `latchkey api-key create`, on the server's machine";
    /// The API key lacks the scope of this call.
    PermissionDenied = "permission_denied", PersonMustAct, "use a key with the scope that `detail` names";
    /// The key, or the workspace at this endpoint, made more calls in one minute than it may.
    Throttled = "throttled", Retry, "try again after the time in Retry-After";
    /// The path does not take this method, or it is too late for it.
    MethodNotAllowed = "method_not_allowed", PersonMustAct, "use a method that `Allow` names; where it is too late, `detail` says what to do instead";
    /// No server of the installation has a place for another bot.
    OutOfAdhocBots = "out_of_adhoc_bots", Retry, "try again after the time in Retry-After, or give the installation more room, as `detail` says";
    /// The token in the address of a picture or a download is not one of this server's for it.
    AddressInvalid = "address_invalid", PersonMustAct, "take the address whole, from the list";
    /// The address of a picture or a download was good for a while, and that is over.
    AddressExpired = "address_expired", PersonMustAct, "list again for a new address";
    /// The header `Idempotency-Key` is too long, empty, or no visible ASCII.
    IdempotencyKeyInvalid = "idempotency_key_invalid", PersonMustAct, "send a fresh UUID";
    /// The same `Idempotency-Key` came before with another request.
    IdempotencyKeyReuse = "idempotency_key_reuse", PersonMustAct, "use a new key for each request that differs";
    /// The same request with the same `Idempotency-Key` is being worked on.
    Conflict = "conflict", Retry, "try again: the answer of the first is kept for an hour";
    /// The bot has ended, so it takes no commands.
    CannotCommandCompletedBot = "cannot_command_completed_bot", PersonMustAct, "create another bot";
    /// The bot is not in a call yet.
    CannotCommandUnstartedBot = "cannot_command_unstarted_bot", Retry, "wait until its status is `in_call_not_recording`; to call it off, DELETE the bot";
    /// The bot is on its way or has ended, or its new `join_at` is too soon.
    UpdateBotFailed = "update_bot_failed", PersonMustAct, "do what `detail` says: mostly, create another bot";
    /// Recall's API has it, and Latchkey does not.
    NotSupported = "not_supported", PersonMustAct, "leave this call out";
    /// The meeting does not let the bot write this message.
    ChatMessageRefused = "chat_message_refused", PersonMustAct, "do what `detail` says: the host decides who may write to whom";
    /// The bot wrote the message, and Zoom did not say whether it arrived.
    ChatMessageUnconfirmed = "chat_message_unconfirmed", PersonMustAct, "look into the meeting before you send it again";
    /// The callback secret was replaced a short while ago, and the one before it is still good.
    CallbackSecretRotating = "callback_secret_rotating", Retry, "replace it again after the time that `detail` names";
    /// The secret of the webhook endpoint was replaced a short while ago, and the one before it is still good.
    WebhookSecretRotating = "webhook_secret_rotating", Retry, "replace it again after the time that `detail` names";
    /// The time to replay holds more events than are replayed at once.
    ReplayTooLarge = "replay_too_large", PersonMustAct, "replay a shorter time, several times";
    /// The workspace has as many webhook endpoints as it may.
    TooManyWebhookEndpoints = "too_many_webhook_endpoints", PersonMustAct, "delete one that nobody reads";
    /// The workspace has as many of this kind as it may.
    WorkspaceFull = "workspace_full", PersonMustAct, "delete one that nobody uses: `detail` has the number";
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
    ZoomOauthAppUnhealthy = "zoom_oauth_app_unhealthy", PersonMustAct, "see that the app is active at Zoom, and PATCH its client_secret here";
}

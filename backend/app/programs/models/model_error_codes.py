"""The error codes of model servers, grouped by their meaning.

Other errors are classified by status or by error type.
"""

import re

# Messages of servers that have no code for a request that exceeds the context window.
CONTEXT_WORDS = re.compile(
    r"(?i)context[ _-]?(?:length|window|size)|maximum context|available context|prompt (?:is )?too long"
    r"|input (?:is )?too long|too many (?:input )?tokens|exceeds? .{0,40}context"
)
QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "quota_exceeded",
        "exceeded_current_quota_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_balance",
        "insufficient_funds",
        "credit_balance_too_low",
    }
)
CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "context_window_exceeded"})
KEY_CODES = frozenset(
    {
        "invalid_api_key",
        "invalid_authentication",
        "invalid_authentication_error",
        "authentication_error",
        "permission_error",
        "permission_denied",
        "unauthorized",
        "forbidden",
        "account_deactivated",
    }
)
PASSING_CODES = frozenset(
    {
        "server_error",
        "internal_server_error",
        "internal_error",
        "api_error",
        "rate_limit_exceeded",
        "rate_limit_error",
        "tokens",
        "requests",
        "overloaded",
        "overloaded_error",
        "service_unavailable",
        "server_overloaded",
        "engine_overloaded_error",
        "slow_down",
        "timeout",
        "timeout_error",
        "vector_store_timeout",
        "conversation_locked",
        "unknown_error",
    }
)
# Prefixes and suffixes of codes of errors that the same request would cause again.
LASTING_CODE = re.compile(
    r"^(?:invalid|unsupported|missing|unknown_(?:parameter|model)|model_|image_|content_|empty_|failed_to_download|string_"
    r"|integer_|array_|object_|bio_|misalignment|data_residency|responsible_ai|context_|max_|billing)"
    r"|(?:policy|policy_violation|_filter|_not_found|_not_supported|_too_large|_too_long|_above_max_length|not_found_error"
    r"|request_error|_mismatch)$"
)

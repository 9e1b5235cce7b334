//! What this provider can do.

use directory::provisioning::users::{MOST_ON_A_PAGE, PAGE};
use scim::config::{Options, service_provider_config as describe};

use super::{answer::ScimResponse, caller::Caller};

/// `GET /ServiceProviderConfig`
pub(crate) async fn service_provider_config(caller: Caller) -> ScimResponse {
    let options = Options {
        documentation_uri: None,
        bulk: false,
        bulk_max_operations: 1_000,
        bulk_max_payload_size: 4 * 1024 * 1024,
        filter_max_results: MOST_ON_A_PAGE,
        sort: false,
        etag: false,
        cursor: false,
        default_page_size: PAGE,
    };
    ScimResponse::ok(describe(&caller.base_url(), &options))
}

//! Signatures: with a shared secret (Standard Webhooks), or with the published key (Security Event Tokens).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use directory::{
    events::delivery::{Body, Outgoing},
    keys::Keys,
};
use domain::Timestamp;
use http::{HeaderMap, HeaderValue, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::{SecretKey, elliptic_curve::sec1::ToEncodedPoint, pkcs8::EncodePrivateKey};
use serde_json::{Value, json};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

/// A request to an endpoint.
pub(super) struct Signed {
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// The request that delivers `outgoing`, signed at `now`.
pub(super) fn sign(keys: &Keys, outgoing: &Outgoing, now: Timestamp) -> Result<Signed, String> {
    match &outgoing.body {
        Body::Webhook { json, secrets } => {
            let seconds = now.as_micros().div_euclid(1_000_000);
            let signature = |secret: &[u8]| Webhook::from_bytes(secret.to_vec())?.sign(&outgoing.message_id, seconds, json.as_bytes());
            let signatures: Result<Vec<_>, _> = secrets.iter().map(|secret| signature(secret.as_bytes())).collect();
            let signatures = signatures.map_err(|error| format!("it could not be signed: {error}"))?.join(" ");
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            for (name, value) in [
                (HEADER_WEBHOOK_ID, outgoing.message_id.clone()),
                (HEADER_WEBHOOK_TIMESTAMP, seconds.to_string()),
                (HEADER_WEBHOOK_SIGNATURE, signatures),
            ] {
                headers.insert(name, HeaderValue::try_from(value).map_err(|error| error.to_string())?);
            }
            Ok(Signed { headers, body: json.clone() })
        }
        Body::Unsendable(why) => Err(why.clone()),
        Body::Set { claims, key } => {
            let secret = secret_key(keys, key).ok_or("this server lacks the key that the endpoint was made under")?;
            let der = secret.to_pkcs8_der().map_err(|error| error.to_string())?;
            let mut head = Header::new(Algorithm::ES256);
            // An explicit type, so that it cannot pass for another kind of token (RFC 8417 §2.3, RFC 8725 §3.11).
            head.typ = Some("secevent+jwt".to_owned());
            head.kid = Some(key.clone());
            let body = jsonwebtoken::encode(&head, claims, &EncodingKey::from_ec_der(der.as_bytes())).map_err(|error| error.to_string())?;
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/secevent+jwt"));
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
            Ok(Signed { headers, body })
        }
    }
}

/// The private key that signs Security Event Tokens under this name.
fn secret_key(keys: &Keys, key: &str) -> Option<SecretKey> {
    (0..=u8::MAX).find_map(|attempt| SecretKey::from_slice(&keys.signing_seed(key, attempt)?).ok())
}

/// The published keys (RFC 7517), the present one first.
pub(super) fn jwks(keys: &Keys) -> Value {
    let published = keys.ids().filter_map(|id| {
        let point = secret_key(keys, id)?.public_key().to_encoded_point(false);
        let [x, y] = [point.x()?, point.y()?].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        Some(json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id, "x": x, "y": y }))
    });
    json!({ "keys": published.collect::<Vec<_>>() })
}

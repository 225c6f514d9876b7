"""Keys and passwords in a text: rows that hold some are set apart, whoever wrote them."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect_secrets.plugins.base import RegexBasedDetector

# Keys of model providers, which the detectors do not know.
_OWN = {
    "OpenAI key": re.compile(r"\bsk-(?:proj-|svcacct-|ant-[a-z0-9]+-)?[A-Za-z0-9_-]{20,}\b"),
    "Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "Google key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b"),
}


def secret_in(text: str) -> str:
    """Returns what kind of secret a text holds, such as `AWS Access Key`; "" for none.

    Only shapes that mean nothing else: prefixed tokens, private keys, addresses with a password, JSON Web Tokens, by
    the detectors of detect-secrets (as Bridgecrew keeps them), which call nobody. Random-looking words are no secret.
    """
    for kind, pattern in _OWN.items():
        if pattern.search(text):
            return kind
    for detector in _detectors():
        if next(detector.analyze_string(text), None) is not None:
            return str(detector.secret_type)
    return ""


@cache
def _detectors() -> "tuple[RegexBasedDetector, ...]":
    from detect_secrets.plugins import (
        artifactory,
        aws,
        azure_storage_key,
        basic_auth,
        github_token,
        jwt,
        mailchimp,
        npm,
        private_key,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        twilio,
    )

    return (
        artifactory.ArtifactoryDetector(),
        aws.AWSKeyDetector(),
        azure_storage_key.AzureStorageKeyDetector(),
        basic_auth.BasicAuthDetector(),
        github_token.GitHubTokenDetector(),
        jwt.JwtTokenDetector(),
        mailchimp.MailchimpDetector(),
        npm.NpmDetector(),
        private_key.PrivateKeyDetector(),
        sendgrid.SendGridDetector(),
        slack.SlackDetector(),
        square_oauth.SquareOAuthDetector(),
        stripe.StripeDetector(),
        twilio.TwilioKeyDetector(),
    )

"""TLS between nodes: a certificate authority of the cluster's own, and one certificate per process.

Both sides are verified against that authority alone. Names aren't checked, since an endpoint's identity is proven by
the bus' own handshake; holding a certificate says only "of this system". Nothing is written to a lasting file.
"""

from __future__ import annotations

import datetime
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .spec import Certificate

_LIFE = datetime.timedelta(days=3650)
_SKEW = datetime.timedelta(hours=1)


class Authority:
    """The cluster's certificate authority; lasts as long as the system.

    Args:
        saved: `save`'s result, to go on with; None makes a new authority.
    """

    def __init__(self, saved: Certificate | None = None) -> None:
        if saved is None:
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._certificate = _signed("aura cluster authority", self._key, self._key, None)
        else:
            self._certificate = x509.load_pem_x509_certificate(saved.own.encode())
            key = serialization.load_pem_private_key(saved.key.encode(), password=None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self._key = key

    def save(self) -> Certificate:
        """The authority itself, private key included: for the process that certifies, and no other."""
        own = _pem(self._certificate)
        return Certificate(own, own, _key_pem(self._key))

    def issue(self, name: str) -> Certificate:
        """A new key and its certificate; `name` is for people who read it, not checked."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(name, key, self._key, self._certificate)
        return Certificate(_pem(self._certificate), _pem(certificate), _key_pem(key))


def contexts(certificate: Certificate) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The contexts for connecting and for listening, TLS 1.3, each demanding the other side's certificate."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.check_hostname = False
    for context in (client, server):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=certificate.ca)
    _load_own(certificate, client, server)
    return client, server


def _load_own(certificate: Certificate, *into: ssl.SSLContext) -> None:
    """OpenSSL takes keys from files alone: one in memory, with no name on any disk."""
    with _memory_file() as path:
        path.write_text(certificate.key + certificate.own)
        for context in into:
            context.load_cert_chain(path)


@contextmanager
def _memory_file() -> Iterator[Path]:
    descriptor = os.memfd_create("aura-certificate", os.MFD_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_usage(authority=issuer is None), critical=True)
    )
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

"""A certifying authority of the tests, which signs PDFs as a real one's signers do."""

from __future__ import annotations

import datetime as dt
import io
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from asn1crypto import keys
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.support.cast import NOW


class Authority:
    """An authority with one official, whose certificate is valid from 30 days ago for a year, or was."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key, self._official_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.certificate = self._make(name, self._key.public_key(), dt.timedelta(days=365), is_authority=True)

    @property
    def pem(self) -> bytes:
        """The authority's certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def sign(self, pdf: bytes, official: str = "Kepala LPSE", *, is_expired: bool = False) -> bytes:
        """Return ``pdf`` signed by ``official``."""
        until = dt.timedelta(days=-1 if is_expired else 365)
        certificate = self._make(official, self._official_key.public_key(), until, is_authority=False)
        store = SimpleCertificateStore()
        store.register(_asn1(self.certificate))
        key = self._official_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        signer = signers.SimpleSigner(
            signing_cert=_asn1(certificate), signing_key=keys.PrivateKeyInfo.load(key), cert_registry=store
        )
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        # In a thread: the browser of other tests leaves an event loop running in this one, and pyHanko starts one.
        with ThreadPoolExecutor(max_workers=1) as thread:
            signed = thread.submit(signers.sign_pdf, writer, signers.PdfSignatureMetadata(field_name="ttd"), signer)
            return bytes(signed.result().getvalue())

    def _make(
        self, name: str, key: ec.EllipticCurvePublicKey, until: dt.timedelta, *, is_authority: bool
    ) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=is_authority, crl_sign=is_authority, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self.name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - dt.timedelta(days=30))
            .not_valid_after(NOW + until)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
        )
        return builder.sign(self._key, SHA256())


@cache
def authority(name: str = "Balai Sertifikat Uji") -> Authority:
    """Return the authority of this name."""
    return Authority(name)


def with_addition(pdf: bytes) -> bytes:
    """Return ``pdf`` with something added behind its end, as a later revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    writer.root["/Lang"] = writer.root["/Lang"]
    writer.update_root()
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def altered(pdf: bytes) -> bytes:
    """Return ``pdf`` with one letter of what was signed changed."""
    location = pdf.index(b"<dc:title>") + 4  # the metadata of PDF/A are not compressed
    return pdf[:location] + bytes([pdf[location] ^ 1]) + pdf[location + 1 :]


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _asn1(certificate: x509.Certificate) -> asn1.Certificate:
    return asn1.Certificate.load(certificate.public_bytes(Encoding.DER))

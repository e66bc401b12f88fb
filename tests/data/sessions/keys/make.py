"""Makes the keys here again: by the cryptography library, which is OpenSSL's, and by ssh-keygen's format through it."""
import datetime, pathlib
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

here = pathlib.Path(__file__).parent
P, T, O = s.PrivateFormat.PKCS8, s.PrivateFormat.TraditionalOpenSSL, s.PrivateFormat.OpenSSH
kinds = {
    "rsa": (rsa.generate_private_key(65537, 2048), [("pkcs8", P), ("pkcs1", T), ("openssh", O)]),
    "p256": (ec.generate_private_key(ec.SECP256R1()), [("pkcs8", P), ("sec1", T), ("openssh", O)]),
    "p384": (ec.generate_private_key(ec.SECP384R1()), [("pkcs8", P), ("sec1", T), ("openssh", O)]),
    "ed25519": (ed25519.Ed25519PrivateKey.generate(), [("pkcs8", P), ("openssh", O)]),
}
name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "access"), x509.NameAttribute(NameOID.COMMON_NAME, "kim")])
now = datetime.datetime(2026, 11, 24)
for kind, (key, forms) in kinds.items():
    for form, how in forms:
        (here / f"{kind}-{form}.pem").write_bytes(key.private_bytes(s.Encoding.PEM, how, s.NoEncryption()))
    hash = None if kind == "ed25519" else hashes.SHA256()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now).not_valid_after(now.replace(year=2126)).sign(key, hash))
    (here / f"{kind}.crt").write_bytes(cert.public_bytes(s.Encoding.PEM))
root = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "root"), x509.NameAttribute(NameOID.COMMON_NAME, "root")])
old = (x509.CertificateBuilder().subject_name(name).issuer_name(root).public_key(kinds["p256"][0].public_key()).serial_number(2)
       .not_valid_before(now.replace(year=2020)).not_valid_after(now.replace(year=2021)).sign(kinds["p256"][0], hashes.SHA256()))
(here / "p256-expired.crt").write_bytes(old.public_bytes(s.Encoding.PEM))
locked = s.BestAvailableEncryption(b"x")
(here / "locked-pkcs8.pem").write_bytes(kinds["p256"][0].private_bytes(s.Encoding.PEM, P, locked))
(here / "locked-openssh.pem").write_bytes(kinds["ed25519"][0].private_bytes(s.Encoding.PEM, O, locked))

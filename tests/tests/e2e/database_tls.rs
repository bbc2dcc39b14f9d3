//! TLS to PostgreSQL, with an authority of the tests' own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use e2e::cluster::Cluster;
use e2e::{Database, Person, Persona, Setup};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

use crate::configuration::assert_one_line;

/// Signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, both as PEM.
struct Certificate {
    chain: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    fn server(&self, host: &str) -> Certificate {
        let params = CertificateParams::new([host.to_owned()]).expect("a host name");
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn client(&self, user: &str) -> Certificate {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Certificate {
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.0).expect("a certificate");
        Certificate {
            chain: signed.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A server that admits nobody without TLS, and files for its clients.
struct Place {
    cluster: Cluster,
    authority: Authority,
    files: TempDir,
}

const HBA: &str = "\
local all postgres scram-sha-256
hostssl all certified 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
";

impl Place {
    /// `None` without PostgreSQL.
    fn new() -> Option<Self> {
        let setup = Cluster::setup()?;
        let authority = Authority::new("the authority of the tests");
        let server = authority.server("localhost");
        let cluster = setup
            .setting("ssl", "on")
            .setting("ssl_ca_file", "root.crt")
            .file("root.crt", authority.pem())
            .file("server.crt", server.chain)
            .file("server.key", server.key)
            .hba(HBA)
            .start();
        Some(Self {
            cluster,
            authority,
            files: TempDir::new().expect("a directory"),
        })
    }

    /// A file that only its owner may read, as libpq wants of keys; its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.files.path().join(name);
        fs::write(&path, text).expect("the file is written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode is set");
        path.display().to_string()
    }

    /// The settings of a server that connects to this host with these parameters.
    fn setup(&self, host: &str, parameters: &str) -> Setup {
        let (password, port) = (self.cluster.password(), self.cluster.address().port());
        let url = format!("postgres://postgres:{password}@{host}:{port}/postgres?{parameters}");
        Setup::new(Database::at(&url)).set("RENEWD_DATABASE_CONNECTIONS", "2")
    }

    #[track_caller]
    fn assert_refused(&self, setup: &Setup, words: &[&str]) {
        let finished = setup.run([]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        for word in words {
            assert_one_line(&finished, word);
        }
        assert!(
            !finished.stderr.contains(self.cluster.password()),
            "{finished:?}"
        );
    }
}

/// Starts, works, and every connection is encrypted.
#[track_caller]
fn assert_encrypted(place: &Place, setup: Setup, user: &str) {
    let server = setup.start();
    let mut ada = Person::registered(&server, user).log_in(&server);
    ada.refresh().expect(200);
    let connections = "SELECT string_agg(DISTINCT ssl::text, ',') AS value \
                       FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                       WHERE application_name = 'renewd'";
    assert_eq!(place.cluster.text(connections), "true");
}

mod postgres {
    use super::*;

    #[test]
    fn the_server_is_verified() {
        let Some(place) = Place::new() else {
            return println!("skipped: no PostgreSQL");
        };
        let root = place.file("root.crt", &place.authority.pem());
        let full = format!("sslmode=verify-full&sslrootcert={root}");
        assert_encrypted(&place, place.setup("localhost", &full), "ada");

        let words = ["does not match host name", "127.0.0.1", "a name that is in"];
        place.assert_refused(&place.setup("127.0.0.1", &full), &words);
        let ca = format!("sslmode=verify-ca&sslrootcert={root}");
        assert_encrypted(&place, place.setup("127.0.0.1", &ca), "bob");

        let other = Authority::new("another authority").pem();
        let other = place.file("other.crt", &other);
        for mode in ["verify-ca", "verify-full"] {
            let parameters = format!("sslmode={mode}&sslrootcert={other}");
            let setup = place.setup("localhost", &parameters);
            place.assert_refused(&setup, &["certificate verify failed", "sslrootcert=PATH"]);
        }
    }

    #[test]
    fn without_tls_nobody_enters() {
        let Some(place) = Place::new() else {
            return println!("skipped: no PostgreSQL");
        };
        let words = ["pg_hba.conf", "no encryption", "sslmode=require"];
        place.assert_refused(&place.setup("localhost", "sslmode=disable"), &words);
        for (parameters, user) in [
            ("sslmode=require", "ada"),
            ("ssl=true", "bob"),
            ("sslmode=prefer", "cleo"),
        ] {
            assert_encrypted(&place, place.setup("localhost", parameters), user);
        }
    }

    /// Without a root to trust, or with the system's, which does not know this authority.
    #[test]
    fn what_is_trusted_has_to_be_said() {
        let Some(place) = Place::new() else {
            return println!("skipped: no PostgreSQL");
        };
        let nothing = place.setup("localhost", "sslmode=verify-full");
        place.assert_refused(&nothing, &["root certificate file", "sslrootcert=system"]);
        let missing = "sslmode=verify-full&sslrootcert=/nonexistent/root.crt";
        let missing = place.setup("localhost", missing);
        place.assert_refused(&missing, &["/nonexistent/root.crt", "does not exist"]);
        let system = place.setup("localhost", "sslrootcert=system");
        place.assert_refused(&system, &["certificate verify failed"]);
        let weak = place.setup("localhost", "sslmode=require&sslrootcert=system");
        place.assert_refused(&weak, &["weak sslmode", "verify-full"]);
        // Where OpenSSL is told what the system trusts, that counts.
        let root = place.file("root.crt", &place.authority.pem());
        assert_encrypted(&place, system.set("SSL_CERT_FILE", &root), "ada");
    }

    #[test]
    fn a_client_can_be_known_by_its_certificate() {
        let Some(place) = Place::new() else {
            return println!("skipped: no PostgreSQL");
        };
        place.cluster.execute("CREATE ROLE certified LOGIN");
        place
            .cluster
            .execute("GRANT ALL ON SCHEMA public TO certified");
        let client = place.authority.client("certified");
        let root = place.file("root.crt", &place.authority.pem());
        let certificate = place.file("client.crt", &client.chain);
        let key = place.file("client.key", &client.key);
        let port = place.cluster.address().port();
        let url = format!(
            "postgres://certified@localhost:{port}/postgres?sslmode=verify-full\
             &sslrootcert={root}&sslcert={certificate}&sslkey={key}"
        );
        assert_encrypted(&place, Setup::new(Database::at(&url)), "ada");
        let stranger = Authority::new("another authority").client("certified");
        place.file("client.crt", &stranger.chain);
        place.file("client.key", &stranger.key);
        let setup = Setup::new(Database::at(&url));
        place.assert_refused(
            &setup,
            &["cannot connect to postgres://certified@localhost"],
        );
    }
}

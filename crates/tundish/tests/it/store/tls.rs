//! PostgreSQL under TLS: a server of the test's own takes the encryption off and passes on what is
//! inside, so that the PostgreSQL behind it need not know.

use store::{Db, Options};
use testkit::sink::certs::{self, Certificate};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What a client says before it speaks TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Takes TLS connections for the PostgreSQL at `server` (`host:port`); its own port.
async fn in_front_of(server: String, certificate: Certificate) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut plain, _)) = listener.accept().await {
            let (server, acceptor) = (server.clone(), certificate.acceptor.clone());
            tokio::spawn(async move {
                let mut asked = [0; 8];
                plain.read_exact(&mut asked).await.unwrap();
                assert_eq!(asked, SSL_REQUEST, "nothing is said before TLS");
                plain.write_all(b"S").await.unwrap();
                // A client that does not believe the certificate goes away.
                let Ok(mut inside) = acceptor.accept(plain).await else { return };
                let mut behind = TcpStream::connect(server).await.unwrap();
                drop(copy_bidirectional(&mut inside, &mut behind).await);
            });
        }
    });
    port
}

async fn answers(url: &str) -> bool {
    let Ok(db) = Db::connect_as_is(url, &Options::main()).await else { return false };
    db.pending(store::Schema::Main).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_under_tls_is_reached_and_one_that_is_not_who_it_says_is_not() {
    let test = "a_postgres_under_tls_is_reached_and_one_that_is_not_who_it_says_is_not";
    let Some(url) = testkit::databases::postgres_url(test).await else { return };
    let (_, place) = url.split_once("://").unwrap();
    let (who, rest) = place.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let dir = tempfile::tempdir().unwrap();
    let by = async |certificate: Certificate, file: &str| {
        let roots = dir.path().join(file);
        std::fs::write(&roots, &certificate.pem).unwrap();
        let port = in_front_of(server.to_owned(), certificate).await;
        let base = format!("postgres://{who}@localhost:{port}/{name}");
        move |mode: &str, with_roots: bool| {
            let roots = format!("&sslrootcert={}", roots.display());
            format!("{base}?sslmode={mode}{}", if with_roots { &roots } else { "" })
        }
    };
    let right = by(certs::valid_for("localhost"), "right.pem").await;
    for (mode, with_roots) in [("verify-full", true), ("verify-ca", true), ("require", true)] {
        assert!(answers(&right(mode, with_roots)).await, "{mode}");
    }
    assert!(answers(&right("require", false)).await, "encrypted to whomever");
    assert!(!answers(&right("verify-full", false)).await, "no public authority signed it");

    let other = by(certs::valid_for("db.example"), "other.pem").await;
    assert!(!answers(&other("verify-full", true)).await, "signed for another host");
    assert!(answers(&other("verify-ca", true)).await);
    let over = by(certs::expired_for("localhost"), "over.pem").await;
    assert!(!answers(&over("verify-ca", true)).await, "it ended long ago");

    // The PostgreSQL of the tests speaks no TLS: who requires it gets no connection.
    assert!(answers(&url).await);
    assert!(!answers(&format!("{url}?sslmode=require")).await);
}

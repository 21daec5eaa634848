//! A connection to the API server that a test can cut, as an outage does.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards connections to the API server while it is not cut.
pub struct ApiLink {
    is_up: watch::Sender<bool>,
    refused: watch::Receiver<usize>,
    address: SocketAddr,
}

impl ApiLink {
    /// Opens a link for a client configuration, which then uses it.
    pub async fn open(config: &mut kube::Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = config.cluster_url.authority().unwrap().to_string();
        // The certificate of the API server names its own address.
        config.tls_server_name.get_or_insert(config.cluster_url.host().unwrap().to_owned());
        config.cluster_url = format!("https://{address}").parse().unwrap();
        let (is_up, watched) = watch::channel(true);
        let (refusals, refused) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() {
                    tokio::spawn(forward(client, server.clone(), watched.clone()));
                } else {
                    refusals.send_modify(|count| *count += 1);
                }
            }
        });
        Self { is_up, refused, address }
    }

    /// Waits until it has refused this many connections.
    pub async fn wait_for_refusals(&self, count: usize) {
        let mut refused = self.refused.clone();
        refused.wait_for(|refused| *refused >= count).await.unwrap();
    }

    /// Ends all connections and every new one, or allows them again.
    pub fn set_up(&self, is_up: bool) {
        println!("the link {} is {}", self.address, if is_up { "up" } else { "cut" });
        self.is_up.send_replace(is_up);
    }
}

async fn forward(mut client: TcpStream, server: String, mut is_up: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = is_up.wait_for(|is_up| !is_up) => {}
    }
}

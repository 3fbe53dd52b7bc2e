//! A Redis cluster of three masters with a replica each.

use tempfile::TempDir;

use super::{Answer, Certificates, RedisOptions, RedisServer, wait_until};

const SLOTS: u16 = 16_384;
const MASTERS: usize = 3;

/// Six servers: at first the masters are those numbered 0 to 2, and 3 to 5 their replicas.
#[derive(Debug)]
pub struct RedisCluster {
    /// The servers.
    pub nodes: Vec<RedisServer>,
    tls: Option<(Certificates, TempDir)>,
}

impl RedisCluster {
    /// Starts a cluster and waits until each node knows that it is complete.
    ///
    /// # Panics
    ///
    /// When `redis-server` is missing, or the cluster does not come together.
    #[must_use]
    pub fn start() -> Self {
        Self::with(RedisOptions::default(), None)
    }

    /// The same, with TLS between clients and nodes and among the nodes, which call themselves
    /// `localhost`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_tls() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let certificates = Certificates::make(home.path());
        let options = RedisOptions::default()
            .tls_of(&certificates)
            .args(["--tls-cluster", "yes", "--cluster-announce-hostname", "localhost"])
            .args(["--cluster-preferred-endpoint-type", "hostname"]);
        Self::with(options, Some((certificates, home)))
    }

    fn with(options: RedisOptions, tls: Option<(Certificates, TempDir)>) -> Self {
        let options = options
            .args(["--cluster-enabled", "yes", "--cluster-node-timeout", "500"])
            .args(["--cluster-replica-validity-factor", "0"]);
        let nodes: Vec<_> = (0..2 * MASTERS).map(|_| options.clone().start()).collect();
        let cluster = Self { nodes, tls };
        cluster.give_slots();
        cluster.introduce();
        cluster.replicate();
        cluster
    }

    /// Where its masters are.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.nodes[..MASTERS].iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Where its masters are by TLS, and what to trust and to show.
    ///
    /// # Panics
    ///
    /// When it does not speak TLS.
    #[must_use]
    pub fn tls_url(&self) -> String {
        let (certificates, _) = self.tls.as_ref().expect("it speaks TLS");
        let hosts: Vec<_> =
            self.nodes[..MASTERS].iter().map(|node| format!("localhost:{}", node.port())).collect();
        format!("rediss+cluster://{}?{}", hosts.join(","), certificates.options())
    }

    /// Which of `nodes` serves the slot of `key`, as node 0 or the first that runs says.
    ///
    /// # Panics
    ///
    /// When no node answers.
    #[must_use]
    pub fn owner(&self, key: &str) -> usize {
        let node = self.nodes.iter().find(|node| node.is_running()).expect("a node runs");
        let slot = node.ask(&["CLUSTER", "KEYSLOT", key]).number().expect("a slot");
        let ranges = node.ask(&["CLUSTER", "SLOTS"]);
        let within = |range: &&Answer| match range.list() {
            [Answer::Number(first), Answer::Number(last), ..] => (*first..=*last).contains(&slot),
            _ => false,
        };
        let range = ranges.list().iter().find(within).expect("every slot is served");
        let port = range.list()[2].list()[1].number();
        self.nodes
            .iter()
            .position(|node| Some(i64::from(node.port())) == port)
            .expect("one of ours")
    }

    fn give_slots(&self) {
        let share = usize::from(SLOTS).div_ceil(MASTERS);
        let slots: Vec<String> = (0..SLOTS).map(|slot| slot.to_string()).collect();
        for (node, slots) in self.nodes.iter().zip(slots.chunks(share)) {
            let mut words = vec!["CLUSTER", "ADDSLOTS"];
            words.extend(slots.iter().map(String::as_str));
            assert_eq!(node.ask(&words).text(), "OK");
        }
    }

    fn introduce(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            let epoch = (index + 1).to_string();
            assert_eq!(node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).text(), "OK");
        }
        // Everyone to everyone: waiting for rumours takes seconds.
        for node in &self.nodes {
            for other in &self.nodes {
                let port = other.port().to_string();
                assert_eq!(node.ask(&["CLUSTER", "MEET", "127.0.0.1", &port]).text(), "OK");
            }
        }
        self.wait_for_all("all nodes know each other", |node| {
            let nodes = node.ask(&["CLUSTER", "NODES"]).text();
            nodes.lines().count() == 2 * MASTERS && !nodes.contains("handshake")
        });
    }

    fn replicate(&self) {
        let (masters, replicas) = self.nodes.split_at(MASTERS);
        for (master, replica) in masters.iter().zip(replicas) {
            let id = master.ask(&["CLUSTER", "MYID"]).text();
            wait_until("a replica takes its master", 10, || {
                replica.ask(&["CLUSTER", "REPLICATE", &id]).text() == "OK"
            });
        }
        self.wait_for_all("the cluster is complete", |node| {
            node.ask(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok")
        });
        for replica in replicas {
            wait_until("a replica is in sync", 10, || replica.info("master_link_status") == "up");
        }
        self.wait_for_all("all know who replicates whom", |node| {
            node.ask(&["CLUSTER", "NODES"]).text().matches("slave ").count() == MASTERS
        });
    }

    fn wait_for_all(&self, what: &str, ready: impl Fn(&RedisServer) -> bool) {
        wait_until(what, 15, || self.nodes.iter().all(&ready));
    }
}

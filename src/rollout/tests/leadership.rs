//! Tests that no HA metadata of a live leader is cleared.

use super::*;

fn locked_map(holder: &str, renewed: u32) -> k8s_openapi::api::core::v1::ConfigMap {
    let lock = json!({"holderIdentity": holder, "leaseDuration": 15.0, "renewTime": format!("2026-01-01T12:00:{renewed:02}Z")});
    from_json(json!({"metadata": {"name": "orders-cluster-config-map", "uid": "m",
        "annotations": {"control-plane.alpha.kubernetes.io/leader": lock.to_string()}}}))
}

/// Clear HA after a stop during which our own JobManager `ours` led. By now `holder` holds the lock.
fn world_with_leader(holder: &str) -> World {
    let mut stopping = world(Stage::Stop);
    stopping.ha.items = vec![locked_map("ours", 0)];
    let leadership = next_status(&stopping).leadership;
    assert_eq!(leadership.as_ref().unwrap().known, ["ours"], "it is recorded while the pod runs");
    let mut world = self::world(Stage::ClearHa);
    world.workloads = PerComponent { job_manager: workload("jm", 0), task_manager: workload("tm", 0) };
    change_status(&mut world, |status| status.leadership = leadership);
    world.ha.items = vec![locked_map(holder, 0)];
    world
}

#[test]
fn metadata_of_our_own_leader_is_cleared_at_once() {
    assert_eq!(next_effect(&world_with_leader("ours")).0, Operation::ClearHa);
}

#[test]
fn the_leader_is_recorded_with_the_restore_point() {
    let mut world = world(Stage::Savepoint);
    change_status(&mut world, |status| status.restore_point = Some(from_json(restore_point())));
    world.ha.items = vec![locked_map("ours", 0)];
    let status = next_status(&world);
    assert_eq!((status.stage, status.leadership.unwrap().known), (Stage::Stop, vec!["ours".to_owned()]));
}

#[test]
fn metadata_of_an_unknown_leader_that_renews_is_never_cleared() {
    let mut world = world_with_leader("theirs");
    world.rollout.status = Some(next_status(&world));
    advance_clock(&mut world, 5);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    world.ha.items = vec![locked_map("theirs", 5)];
    let status = next_status(&world);
    let halt = status.halt.clone().unwrap();
    assert!(halt.message.contains("holderIdentity theirs") && !halt.parked, "{}", halt.message);
    assert_eq!(status.leadership.unwrap().watch, None, "after Resume, the watch begins anew");
}

#[test]
fn metadata_of_an_unknown_leader_that_is_gone_is_cleared_after_one_lease() {
    let mut world = world_with_leader("theirs");
    world.rollout.status = Some(next_status(&world));
    advance_clock(&mut world, 16);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    advance_clock(&mut world, 1);
    world.rollout.status = Some(next_status(&world));
    assert_eq!(next_effect(&world).0, Operation::ClearHa);
}

#[test]
fn an_application_whose_job_manager_leads_under_another_name_is_refused_without_a_choice() {
    let mut world = world(Stage::Plan);
    world.workloads = PerComponent::default();
    world.application.as_mut().unwrap().status =
        Some(from_json(json!({"restorePoints": [restore_point()], "revisions": []})));
    world.ha.items = vec![locked_map("theirs", 0)];
    world.rollout.spec.request.start_from = from_json(json!({"from": "RestorePoint", "value": "r"}));
    world.rollout.status = Some(next_status(&world));
    advance_clock(&mut world, 5);
    assert!(matches!(next_step(&world), Step::Wait(_)));
    let mut gone = world.clone();
    world.ha.items = vec![locked_map("theirs", 5)];
    let ending = next_status(&world).ending.unwrap();
    assert!(ending.choices.is_empty() && ending.message.contains("holderIdentity theirs"), "{}", ending.message);
    advance_clock(&mut gone, 12);
    gone.rollout.status = Some(next_status(&gone));
    assert_eq!(next_effect(&gone).0, Operation::Plan, "a lock that nobody renews is left over");
}

#[test]
fn a_leader_that_takes_over_while_our_pod_terminates_is_not_our_own() {
    let mut world = world(Stage::Stop);
    let at = world.time();
    world.workloads.job_manager.pods[0].metadata.deletion_timestamp = Some(at);
    world.ha.items = vec![locked_map("theirs", 0)];
    assert_eq!(next_status_or_same(&world).leadership, None);
}

#[test]
fn a_leader_at_another_address_than_our_pod_is_not_our_own() {
    let mut world = world(Stage::Stop);
    world.workloads.job_manager.pods[0].status.as_mut().unwrap().pod_ip = Some("10.0.0.7".to_owned());
    let led_from = |host: &str| {
        let mut map = locked_map("theirs", 0);
        let address = format!("0d9b,pekko.tcp://flink@{host}:6123/user/rpc/dispatcher_0");
        map.data = Some([("org.apache.flink.k8s.leader.dispatcher".to_owned(), address)].into());
        vec![map]
    };
    world.ha.items = led_from("10.0.0.8");
    assert_eq!(next_status_or_same(&world).leadership, None, "ours stands by");
    world.ha.items = led_from("10.0.0.7");
    assert_eq!(next_status(&world).leadership.unwrap().known, ["theirs"]);
    world.ha.items = led_from("orders-jobmanager");
    assert_eq!(next_status(&world).leadership.unwrap().known, ["theirs"], "the name of a Service tells nothing");
}

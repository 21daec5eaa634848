//! Writes to Kubernetes with preconditions, so that the writes of a process without the lease fail.

use k8s_openapi::api::{apps::v1::Deployment, autoscaling::v1::Scale};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions as KubePreconditions},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    content::same_content,
    field_owners::{MANAGER, take_over},
    object::{api_resource, describe, kind_of},
    write_error::{WriteError, classify},
};

/// Writes to one namespace.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    namespace: String,
}

impl Writer {
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned() }
    }

    /// Sets a Deployment's replicas through `/scale`. The write fails if the resource version has changed.
    pub async fn scale(&self, deployment: &Deployment, replicas: i32) -> Result<(), WriteError> {
        let name = deployment.name_any();
        let object = format!("the replicas of Deployment {name}");
        let api = Api::<Deployment>::namespaced(self.client.clone(), &self.namespace);
        let scale = Scale {
            metadata: kube::api::ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(self.namespace.clone()),
                resource_version: deployment.resource_version(),
                ..Default::default()
            },
            spec: Some(k8s_openapi::api::autoscaling::v1::ScaleSpec { replicas: Some(replicas) }),
            status: None,
        };
        api.replace_scale(&name, &PostParams::default(), &scale)
            .await
            .map(drop)
            .map_err(|error| classify(object, error))
    }

    /// Creates or replaces a whole Deployment and returns it. Server-side apply would leave the fields that other managers have set.
    pub async fn put_deployment(&self, deployment: &Deployment, dry_run: bool) -> Result<Deployment, WriteError> {
        let name = deployment.name_any();
        let object = format!("Deployment {name}");
        let api = Api::<Deployment>::namespaced(self.client.clone(), &self.namespace);
        let params = PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) };
        let written = if deployment.resource_version().is_some() {
            api.replace(&name, &params, deployment).await
        } else {
            api.create(&params, deployment).await
        };
        written.map_err(|error| classify(object, error))
    }

    /// Makes us the owner of the fields that the previous deployer of an object set, unless we have applied it before. Otherwise
    /// server-side apply would keep the fields that the new object no longer has. Returns whether anything was taken over.
    pub async fn take_over_fields(&self, object: &DynamicObject) -> Result<bool, WriteError> {
        let Some(live) = self.read_live(object).await? else { return Ok(false) };
        let Some(entries) = take_over(live.metadata.managed_fields.as_deref().unwrap_or_default()) else {
            return Ok(false);
        };
        let metadata = serde_json::json!({"resourceVersion": live.resource_version(), "managedFields": entries});
        let patch = serde_json::json!({ "metadata": metadata });
        let api = self.dynamic(object)?;
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let written = api.patch(&object.name_any(), &params, &Patch::Merge(patch)).await;
        written.map(|_| true).map_err(|error| classify(describe(object), error))
    }

    /// Applies an object of another kind with server-side apply and returns it.
    pub async fn apply(&self, object: &DynamicObject, dry_run: bool) -> Result<DynamicObject, WriteError> {
        let label = describe(object);
        let mut params = PatchParams::apply(MANAGER).force();
        params.dry_run = dry_run;
        let api = self.dynamic(object)?;
        api.patch(&object.name_any(), &params, &Patch::Apply(object)).await.map_err(|error| classify(label, error))
    }

    /// Creates an object that never changes. It is a success if an object with the same content already exists.
    pub async fn create_immutable(&self, object: &DynamicObject, dry_run: bool) -> Result<(), WriteError> {
        let label = describe(object);
        let api = self.dynamic(object)?;
        let params = PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) };
        match api.create(&params, object).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let live = api.get(&object.name_any()).await.map_err(|error| classify(label.clone(), error))?;
                if same_content(object, &DynamicObject { types: object.types.clone(), ..live }) {
                    Ok(())
                } else {
                    Err(WriteError::Refused {
                        object: label,
                        reason: "it already exists with different content".to_owned(),
                    })
                }
            }
            Err(error) => Err(classify(label, error)),
        }
    }

    /// Reads the live object with the same kind and name.
    pub async fn read_live(&self, object: &DynamicObject) -> Result<Option<DynamicObject>, WriteError> {
        self.dynamic(object)?.get_opt(&object.name_any()).await.map_err(|error| classify(describe(object), error))
    }

    /// Deletes an object if its uid is still the same.
    pub async fn delete(&self, object: &DynamicObject) -> Result<(), WriteError> {
        let params = DeleteParams {
            preconditions: Some(KubePreconditions { uid: object.uid(), resource_version: None }),
            ..DeleteParams::background()
        };
        accept_missing(self.dynamic(object)?.delete(&object.name_any(), &params).await.map(drop), describe(object))
    }

    /// Deletes a typed object if its uid is still the same.
    pub async fn delete_typed<K>(&self, object: &K) -> Result<(), WriteError>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Serialize,
        K::DynamicType: Default,
    {
        let params = DeleteParams {
            preconditions: Some(KubePreconditions { uid: object.uid(), resource_version: None }),
            ..DeleteParams::default()
        };
        let api = Api::<K>::namespaced(self.client.clone(), &self.namespace);
        let label = format!("{} {}", K::kind(&K::DynamicType::default()), object.name_any());
        accept_missing(api.delete(&object.name_any(), &params).await.map(drop), label)
    }

    fn dynamic(&self, object: &DynamicObject) -> Result<Api<DynamicObject>, WriteError> {
        let resource = api_resource(object).ok_or_else(|| WriteError::Refused {
            object: describe(object),
            reason: format!("{} is not a kind that Lockkeeper can deploy", kind_of(object)),
        })?;
        Ok(Api::namespaced_with(self.client.clone(), &self.namespace, &resource))
    }
}

fn accept_missing(result: kube::Result<()>, object: String) -> Result<(), WriteError> {
    match result {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(classify(object, error)),
        Ok(()) => Ok(()),
    }
}

//! Writes with preconditions: a deposed writer's write fails.

use k8s_openapi::api::{apps::v1::Deployment, autoscaling::v1::Scale};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions as KubePreconditions},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    content::same_content,
    object::{api_resource, describe, kind_of},
    write_error::{WriteError, classify},
};

/// The field manager of everything that is applied server-side.
pub const MANAGER: &str = "lockkeeper";

/// Writes into one namespace.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    namespace: String,
}

impl Writer {
    /// A writer for one namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned() }
    }

    /// Sets a Deployment's replicas through `/scale`, at the resource version that was read.
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

    /// Replaces a Deployment as a whole (server-side apply would leave what other managers set), or creates it; as it is then.
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

    /// Applies any other object server-side; as it is then.
    pub async fn apply(&self, object: &DynamicObject, dry_run: bool) -> Result<DynamicObject, WriteError> {
        let label = describe(object);
        let mut params = PatchParams::apply(MANAGER).force();
        params.dry_run = dry_run;
        let api = self.dynamic(object)?;
        api.patch(&object.name_any(), &params, &Patch::Apply(object)).await.map_err(|error| classify(label, error))
    }

    /// Creates an object that never changes; one with the same content that is there already is success.
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
                    Err(WriteError::Refused { object: label, reason: "it exists with other content".to_owned() })
                }
            }
            Err(error) => Err(classify(label, error)),
        }
    }

    /// Reads the live twin of an object.
    pub async fn live(&self, object: &DynamicObject) -> Result<Option<DynamicObject>, WriteError> {
        self.dynamic(object)?.get_opt(&object.name_any()).await.map_err(|error| classify(describe(object), error))
    }

    /// Deletes an object, if it is still the one with this uid.
    pub async fn delete(&self, object: &DynamicObject) -> Result<(), WriteError> {
        let params = DeleteParams {
            preconditions: Some(KubePreconditions { uid: object.uid(), resource_version: None }),
            ..DeleteParams::background()
        };
        gone(self.dynamic(object)?.delete(&object.name_any(), &params).await.map(drop), describe(object))
    }

    /// Deletes a typed object, if it is still the one with this uid.
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
        gone(api.delete(&object.name_any(), &params).await.map(drop), label)
    }

    fn dynamic(&self, object: &DynamicObject) -> Result<Api<DynamicObject>, WriteError> {
        let resource = api_resource(object).ok_or_else(|| WriteError::Refused {
            object: describe(object),
            reason: format!("{} is not a kind that can be deployed", kind_of(object)),
        })?;
        Ok(Api::namespaced_with(self.client.clone(), &self.namespace, &resource))
    }
}

fn gone(result: kube::Result<()>, object: String) -> Result<(), WriteError> {
    match result {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(classify(object, error)),
        Ok(()) => Ok(()),
    }
}

//! Writes with preconditions: a deposed writer's write fails.

use k8s_openapi::api::{apps::v1::Deployment, autoscaling::v1::Scale};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions as KubePreconditions},
    core::{ApiResource, GroupVersionKind, TypeMeta},
};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::same_content;

/// The field manager of everything that is applied server-side.
pub const MANAGER: &str = "lockkeeper";

/// Why a write did not happen.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Somebody else wrote in between: look again.
    #[error("{object} was changed by somebody else in between")]
    Conflict {
        /// Kind and name.
        object: String,
    },
    /// The API server will not take it, however often it is tried.
    #[error("Kubernetes refused {object}: {reason}")]
    Refused {
        /// Kind and name.
        object: String,
        /// Its own words.
        reason: String,
    },
    /// Not possible now.
    #[error("could not write {object}: {reason}")]
    TryAgain {
        /// Kind and name.
        object: String,
        /// Why.
        reason: String,
    },
}

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
            .map_err(|error| classified(object, error))
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
        written.map_err(|error| classified(object, error))
    }

    /// Applies any other object server-side; as it is then.
    pub async fn apply(&self, object: &DynamicObject, dry_run: bool) -> Result<DynamicObject, WriteError> {
        let label = described(object);
        let mut params = PatchParams::apply(MANAGER).force();
        params.dry_run = dry_run;
        let api = self.dynamic(object)?;
        api.patch(&object.name_any(), &params, &Patch::Apply(object)).await.map_err(|error| classified(label, error))
    }

    /// Creates an object that never changes; one with the same content that is there already is success.
    pub async fn create_immutable(&self, object: &DynamicObject, dry_run: bool) -> Result<(), WriteError> {
        let label = described(object);
        let api = self.dynamic(object)?;
        let params = PostParams { dry_run, field_manager: Some(MANAGER.to_owned()) };
        match api.create(&params, object).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let live = api.get(&object.name_any()).await.map_err(|error| classified(label.clone(), error))?;
                if same_content(object, &DynamicObject { types: object.types.clone(), ..live }) {
                    Ok(())
                } else {
                    Err(WriteError::Refused { object: label, reason: "it exists with other content".to_owned() })
                }
            }
            Err(error) => Err(classified(label, error)),
        }
    }

    /// Reads the live twin of an object.
    pub async fn live(&self, object: &DynamicObject) -> Result<Option<DynamicObject>, WriteError> {
        self.dynamic(object)?.get_opt(&object.name_any()).await.map_err(|error| classified(described(object), error))
    }

    /// Deletes an object, if it is still the one with this uid.
    pub async fn delete(&self, object: &DynamicObject) -> Result<(), WriteError> {
        let params = DeleteParams {
            preconditions: Some(KubePreconditions { uid: object.uid(), resource_version: None }),
            ..DeleteParams::background()
        };
        gone(self.dynamic(object)?.delete(&object.name_any(), &params).await.map(drop), described(object))
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
        let types = object.types.clone().unwrap_or_default();
        let resource = resource_of(&types).ok_or_else(|| WriteError::Refused {
            object: described(object),
            reason: format!("{} is not a kind that can be deployed", types.kind),
        })?;
        Ok(Api::namespaced_with(self.client.clone(), &self.namespace, &resource))
    }
}

/// The resource of an object by its type.
fn resource_of(types: &TypeMeta) -> Option<ApiResource> {
    let gvk = GroupVersionKind::try_from(types).ok()?;
    Some(ApiResource::from_gvk(&gvk))
}

fn described(object: &DynamicObject) -> String {
    let kind = object.types.as_ref().map_or("object", |types| types.kind.as_str());
    format!("{kind} {}", object.name_any())
}

fn gone(result: kube::Result<()>, object: String) -> Result<(), WriteError> {
    match result {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(classified(object, error)),
        Ok(()) => Ok(()),
    }
}

/// What an error of the API server means for whoever wanted to write.
pub(crate) fn classified(object: String, error: kube::Error) -> WriteError {
    match error {
        kube::Error::Api(status) if status.is_conflict() || status.is_already_exists() => {
            WriteError::Conflict { object }
        }
        kube::Error::Api(status) if matches!(status.code, 400 | 403 | 404 | 405 | 413 | 415 | 422) => {
            WriteError::Refused { object, reason: status.message.chars().take(600).collect() }
        }
        other => WriteError::TryAgain { object, reason: other.to_string() },
    }
}

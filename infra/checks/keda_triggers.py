"""What KEDA's triggers are called and which of their values are numbers. Data alone.

Source: KEDA 2.21, `scalers_builder.go` and "Scalers" of its documentation. KEDA's webhook accepts any other name, and
its operator then makes no HPA (measured).
"""

from typing import Final

_TYPES: Final = """
activemq apache-iggy apache-kafka arangodb artemis-queue aws-cloudwatch aws-dynamodb aws-dynamodb-streams
aws-kinesis-stream aws-sqs-queue azure-app-insights azure-blob azure-cosmosdb azure-data-explorer azure-eventhub
azure-log-analytics azure-monitor azure-pipelines azure-queue azure-servicebus beanstalkd cassandra couchdb cpu cron
datadog dynatrace elastic-forecast elasticsearch etcd external external-push forgejo-runner gcp-cloudtasks gcp-pubsub
gcp-stackdriver gcp-storage github-runner gitlab-runner graphite huawei-cloudeye ibmmq influxdb ionos-monitoring kafka
kubernetes-resource kubernetes-workload liiklus loki memory metrics-api mongodb mssql mysql nats-jetstream new-relic
nsq openstack-metric openstack-swift opensearch postgresql predictkube prometheus pulsar rabbitmq redis redis-cluster
redis-cluster-streams redis-sentinel redis-sentinel-streams redis-streams selenium-grid solace-direct-messaging
solace-event-queue solarwinds solr splunk splunk-observability stan sumologic temporal
"""

_NUMBERS: Final = """
threshold activationThreshold desiredReplicas lagThreshold activationLagThreshold queueLength activationQueueLength
listLength activationListLength targetQueueLength targetMetricValue targetQueryValue targetValue activationTargetValue
activationTargetQueryValue queueSize pendingEntriesCount messageCount
"""

TRIGGER_TYPES: Final = frozenset(_TYPES.split())
"""Every type of trigger."""

NUMBERS: Final = frozenset(_NUMBERS.split())
"""Keys of a trigger's metadata that are read as a number, whatever the trigger's type."""

RESOURCES: Final = frozenset({"cpu", "memory"})
"""Types whose value the HPA takes from the pods' own use; no query is asked for them."""

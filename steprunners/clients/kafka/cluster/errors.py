"""Explains the errors between a client and a broker in words for a tester."""

from __future__ import annotations

import kafka.errors as kafka_errors

from steprunners.errors import ConnectionFailed, DeadlineExceeded, Refused, StepError
from steprunners.masking.known_secrets import shorten
from steprunners.network.tls import why_untrusted


class Unavailable(ConnectionFailed):
    """A part of the cluster that is not there now: a broker is down, a partition has no leader.

    Other brokers may take over: asking again helps, until the deadline.
    """


#: Temporary errors (a new leader, a moving coordinator, a topic in creation): repeated until the deadline.
PASSING = (
    kafka_errors.NotLeaderForPartitionError,
    kafka_errors.LeaderNotAvailableError,
    kafka_errors.ReplicaNotAvailableError,
    kafka_errors.KafkaStorageError,
    kafka_errors.FencedLeaderEpochError,
    kafka_errors.UnknownLeaderEpochError,
    kafka_errors.OffsetNotAvailableError,
    kafka_errors.CoordinatorLoadInProgressError,
    kafka_errors.CoordinatorNotAvailableError,
    kafka_errors.NotCoordinatorError,
    kafka_errors.UnstableOffsetCommitError,
    kafka_errors.StaleMetadata,
    kafka_errors.BrokerNotAvailableError,
    kafka_errors.ListenerNotFoundError,
    kafka_errors.NetworkExceptionError,
)

_REFUSED: dict[type[Exception], str] = {
    kafka_errors.TopicAuthorizationFailedError: "the user may not use this topic (ACL)",
    kafka_errors.GroupAuthorizationFailedError: "the user may not use this consumer group (ACL)",
    kafka_errors.ClusterAuthorizationFailedError: "the user may not do this on the cluster (ACL)",
    kafka_errors.InvalidTopicError: "this is not a valid topic name: letters, digits, '.', '_' and '-', at most 249",
    kafka_errors.MessageSizeTooLargeError: "the message is larger than the topic accepts (max.message.bytes)",
    kafka_errors.RecordListTooLargeError: "the messages together are larger than the broker accepts",
    kafka_errors.UnknownTopicOrPartitionError: "there is no such topic or partition",
    kafka_errors.NotEnoughReplicasError: "too few replicas are in sync (min.insync.replicas)",
    kafka_errors.NotEnoughReplicasAfterAppendError: "too few replicas took over the message (min.insync.replicas)",
    kafka_errors.InvalidTimestampError: "the topic does not accept this timestamp",
    kafka_errors.InvalidRecordError: "the topic does not accept the message (a compacted topic needs a key)",
    kafka_errors.PolicyViolationError: "a policy of the cluster forbids it",
    kafka_errors.UnknownMemberIdError: "the consumer group has active members, so nobody else may commit for it",
    kafka_errors.RebalanceInProgressError: "the consumer group has active members, so nobody else may commit for it",
    kafka_errors.IllegalGenerationError: "the consumer group has active members, so nobody else may commit for it",
    kafka_errors.InvalidGroupIdError: "this is not a valid consumer group",
}


_OTHERS: list[tuple[tuple[type[Exception], ...], type[StepError], str]] = [
    (
        (kafka_errors.SaslAuthenticationFailedError,),
        Refused,
        "{} refused the login: username or password is wrong, or the mechanism is",
    ),
    ((kafka_errors.UnsupportedSaslMechanismError,), Refused, "{} does not offer this saslMechanism"),
    (
        (kafka_errors.IllegalSaslStateError, kafka_errors.IncompatibleBrokerVersion),
        Refused,
        "{} does not support this kind of connection: does securityProtocol match its listener?",
    ),
    (
        (kafka_errors.KafkaTimeoutError, kafka_errors.RequestTimedOutError),
        DeadlineExceeded,
        "{} did not answer in time",
    ),
    (
        (kafka_errors.UnsupportedCodecError,),
        Refused,
        "{}: a message uses a compression that the service cannot read",
    ),
    ((kafka_errors.CorruptRecordError,), Refused, "{}: a message is damaged (its checksum is wrong)"),
]


def translated(error: BaseException, where: str) -> StepError:
    """Return the step's error for an error of the client; `where` is the broker, topic or group that it is about."""
    if isinstance(error, StepError):
        return error
    tls = why_untrusted(error)
    if tls is not None:
        return ConnectionFailed(f"cannot connect to {where}: {tls}")
    for classes, kind, message in _OTHERS:
        if isinstance(error, classes):
            return kind(message.format(where))
    return _refusal(error, where) or _lost(error, where)


def unavailable(error: BaseException, where: str) -> StepError:
    """Return the step's error for a broker that was not reached, or lost: Unavailable, unless it refuses us."""
    problem = translated(error, where)
    is_refusal = why_untrusted(error) or isinstance(error, kafka_errors.KafkaProtocolError)
    if is_refusal or not isinstance(problem, ConnectionFailed | DeadlineExceeded):
        return problem
    return Unavailable(problem.message, code=problem.code)


def _refusal(error: BaseException, where: str) -> StepError | None:
    reason = next((said for known, said in _REFUSED.items() if type(error) is known), None)
    if reason is not None:
        return Refused(f"{where}: {reason}")
    if isinstance(error, kafka_errors.BrokerResponseError):
        said = str(getattr(error, "description", "")) or type(error).__name__
        return Refused(shorten(f"{where}: the broker answers {getattr(error, 'message', '')}: {said}", 500))
    return None


def _lost(error: BaseException, where: str) -> StepError:
    if isinstance(error, kafka_errors.KafkaProtocolError):
        return ConnectionFailed(f"the server at {where} does not speak Kafka, or it expects TLS")
    return ConnectionFailed(
        f"{where} closed the connection: is the broker up, and does securityProtocol match its listener?"
    )

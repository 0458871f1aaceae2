"""Where the records of librdkafka's producer are, as far as it was told."""


class ToldOffsets:
    """Of a batch that comes again after its offset was forgotten librdkafka
    counts on from the -1 that was answered: its first message is without an
    offset then, and the others are said to be at 0, 1, 2. A server forgets in
    a stop all but the last batch of a producer, as Kafka's snapshots do."""

    def __init__(self):
        self.made_up = {}  # by partition: what the next one is said to be at

    def of(self, message):
        """The offset of an acknowledged message, None if none was named."""
        partition, offset = message.partition(), message.offset()
        if offset is None:
            self.made_up[partition] = 0
        elif offset == self.made_up.get(partition):
            self.made_up[partition] += 1
            return None
        else:
            self.made_up.pop(partition, None)
        return offset

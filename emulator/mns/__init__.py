"""Message Service (Simple Message Queue): queues, topics and subscriptions."""

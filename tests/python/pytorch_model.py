"""The three networks in plain PyTorch, with the names and shapes of a checkpoint: the reference implementation."""

import torch
from torch import nn


class Network(nn.Module):
    """Token ids [T,B] and a state -> logits [T,B,V] and the new state."""

    def __init__(self, architecture, vocabulary_size, embedding_size, hidden_size, **_):
        super().__init__()
        self.architecture = architecture
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        if architecture == "residual_lstm":
            self.lstm1 = nn.LSTM(embedding_size, hidden_size)
            self.lstm2 = nn.LSTM(hidden_size, hidden_size)
        elif architecture == "lstm":
            self.lstm = nn.LSTM(embedding_size, hidden_size, num_layers=2)
        else:
            self.rnn = nn.RNN(embedding_size, hidden_size, num_layers=2)
        self.output = nn.Linear(hidden_size, vocabulary_size)

    def forward(self, ids, state=None):
        x = self.embedding(ids)
        if self.architecture == "residual_lstm":
            first, second = state or (None, None)
            h1, first = self.lstm1(x, first)
            h2, second = self.lstm2(h1, second)
            return self.output(h1 + h2), (first, second)
        h, state = (self.lstm if self.architecture == "lstm" else self.rnn)(x, state)
        return self.output(h), state

"""Inference: arrays and strings in, arrays and values out. torch lives here, is loaded with a model, and nowhere else.

`worker.Models` is what an ML worker holds; the other modules are its parts: `minilm` (encoder), `emotion` (head),
`rank` (cosine order), `batching` (dynamic batches), `train_emotion` (makes the head). Importing any of them leaves
torch unloaded.
"""

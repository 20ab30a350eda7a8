"""The sentences of the precision page, whole, so that they can be translated."""

from __future__ import annotations

LIVE = (
    "fp8 keeps weights in 8 bits and makes them 16 or 32 bit for the moment in which a layer runs. It saves memory, "
    "not time, and images change a little."
)
LIVE_HOW = (
    "Choose what is held in 8 bits and press Apply. It counts for the loaded model at once and for every later one; "
    "Off brings every bit back. LoRAs work as ever."
)
PAIR = (
    "Makes one image twice, with the same prompt and seed, and shows what differs. Afterwards the model is held as "
    "before. Stop gives up both."
)
PAIR_FIGURES = (
    "PSNR: above 40 dB hardly to be seen, about 30 dB small details, below 20 dB another picture. SSIM: 1 is the same "
    "structure."
)
CONVERT = (
    "Writes a new checkpoint with its weights in 8 bits, or an fp8 checkpoint back in 16 or 32 bit. The original is "
    "only read."
)
PROTECT = (
    "Measures every weight first. Where a channel would be off by more than 6 %, the weight gets a scale per channel "
    "or stays in 16 bit, for at most 50 MB."
)
SCALED_ELSEWHERE = "A scaled file makes noise in a program that does not know scales."
MEASURE = "What 8 bits cost every weight of a checkpoint, without writing anything."
MEASURE_ORIGINAL = (
    "An fp8 checkpoint is compared with the file that it was made from. If it was made here and that file is in your "
    "folders, it is found by itself."
)
IMPORT = (
    "Put the zip beside your checkpoints. The safetensors file in it is checked and written as a new checkpoint; names "
    "and paths inside the zip decide nothing."
)
PLOT = (
    "Every dot is a weight, in the order of the blocks; the line below it ends at its worst channel. The bars at the "
    "bottom show how much of it became zero."
)
SOUND = "No channel of any weight is off by more than 6 %."
NO_MODEL = "No model is loaded. The choice counts for the next one."
NO_ZIP = "There is no zip in the folder of your checkpoints."
EXACT = "Both images are equal, pixel for pixel."

ALL = (
    LIVE,
    LIVE_HOW,
    PAIR,
    PAIR_FIGURES,
    CONVERT,
    PROTECT,
    SCALED_ELSEWHERE,
    MEASURE,
    MEASURE_ORIGINAL,
    IMPORT,
    PLOT,
    SOUND,
    NO_MODEL,
    NO_ZIP,
    EXACT,
)

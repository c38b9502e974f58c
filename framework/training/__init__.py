"""Training: the loop and the modules it calls.

run.py            `framework run`: from a recipe to a finished run folder
loop.py           the training loop: learning rate, step, log, evaluate, save the best weights, checkpoint, stop
step.py           one optimizer step
training_step.py  one optimizer step as a method sees it
optimizer_traits.py  optimizers that need second derivatives or closures
progress.py       counters and the best validation score
session.py        recipe and splits -> network, optimizer, … ready to train
prepare.py        recipe -> decoded splits and preprocessing
network.py        building and checking the network, image sizes that it can process
init_from.py      initial weights from a run or bundle
criterion.py      a recipe's loss, with its state
schedule.py       a learning rate scheduler that steps per step or per epoch
freezing.py       frozen parameters, gradual unfreezing
decay.py          parameters without weight decay
stages.py         the stages of a network, from the names of its parameters
averaging.py      averages of the weights: EMA, lookahead
batch_norm.py     recalibration of batch normalisation
precision.py      autocast, loss scaling, clipping, the optimizer step
compiling.py      torch.compile, if that trains faster
small_maps.py     faster convolutions on small feature maps on the CPU
allocator.py      keeps freed memory in the process
backend.py        PyTorch's global settings during a training
calls.py          calls into components, each attributed to its plugin
probe.py          a step on copies before training, to detect faults of plugins
running_means.py  running means of loss and top-1, and the first step with a loss that is not finite
throughput.py     images per second of training steps
stopping.py       signals, and the clock of the time limit
checkpoints.py    written atomically, the latest kept
state_file.py     nested state dicts as safetensors files
callbacks.py      the callbacks and the display of a run, behind their hooks
startup.py        what is printed before training starts
reproduce.py      the recipe that trains a run again from its folder
resuming.py       checks before a run is resumed
run_documents.py  recipe, data, model and environment of a run; its predictions and metrics
profiling.py      the time of each phase of a step
soup.py           the mean of several runs' weights
"""

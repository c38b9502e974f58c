"""Training: the loop and the small objects it calls.

reading.py       recipe -> decoded splits and preprocessing
session.py       recipe and splits -> network, optimizer, … ready to train
network.py       the network, tried before anything else is done with it
criterion.py     a recipe's loss, with its state
calls.py         calls into components, each attributed to its plugin
probe.py         one step on copies before training, to find faulty plugins
start.py         the weights of a finished training as a start
seen_images.py   evaluation images that the run to start from was trained on
image_sizes.py   which image sizes a network takes, found by trying
loop.py          the loop, in one screen
step.py          one optimizer step
keeper.py        what happens around a step: logging, evaluation, checkpoints, when to stop
callbacks.py     a run's callbacks behind their hooks
profiling.py     where the time of a step goes
allocator.py     freed memory that stays with the process
small_maps.py    convolutions on small maps, faster on the CPU
compiling.py     torch.compile, where that trains faster
precision.py     autocast, loss scaling, clipping, the optimizer step
averaging.py     averages of the weights: moving, lookahead
norms.py         statistics of batch normalisation, estimated anew
schedule.py      when a scheduler is told what
freezing.py      parameters that are not trained, or not yet
decay.py         which parameters weight decay leaves out
stages.py        a network from its input to its classifier, by the names of its parameters
stopping.py      signals, time limit, patience
meter.py         running means, read from the device when asked for; where the loss stopped being finite
pace.py          images per second of training alone
checkpoints.py   what is saved, atomically, and found again
tree.py          nested state <-> one safetensors file without pickled code
soup.py          one network with the mean of several runs' weights
reproduce.py     the recipe that trains a run again from its folder
resuming.py      whether a run may go on in its folder
run.py           `framework run`: from a recipe to results.json
"""
